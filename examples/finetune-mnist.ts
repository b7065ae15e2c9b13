/** The README's example: fine-tune ResNet-50 on a few MNIST digits, through the API. */
import { createEngine, datasets, models, optim, training, transforms } from 'daybreak'

const engine = await createEngine()
const model = await models.resnet50(engine, { numClasses: 10 }) // weights: 'imagenet' or 'resnet50.pth'
model.freeze({ until: 'layer4' })

const trainer = new training.Trainer({
  model,
  optimizer: optim.adam(model.trainableParameters(), { lr: 1e-3 }),
  transform: transforms.compose([transforms.grayscale(3), transforms.normalize({ mean: [0.5], std: [0.5] })]),
})
const history = await trainer.fit(await datasets.mnist({ split: 'train', limit: 96 }), {
  epochs: 2,
  batchSize: 16,
  validation: await datasets.mnist({ split: 'test', limit: 64 }),
  seed: 1,
})
console.log(history.at(-1)?.validation?.accuracy)
await trainer.save('runs/digits')
engine.destroy()
