/**
 * `daybreak demo`, which `npm start` runs: a real fine-tuning run that ends within minutes on two CPU cores with the bundled
 * driver. Without pretrained weights at hand it trains all of ResNet-50 from random weights on few images, so it uses what
 * helps short runs: residual branches that begin as zero, a learning rate that falls to zero, and batch-norm statistics
 * that are measured when the weights have settled. The accuracy is that of digits the network has not seen.
 */
import { finetune } from './finetune.js'
import { duration, percent } from './progress.js'

export async function demo({ adapter }: { adapter?: string }): Promise<void> {
  console.log('ResNet-50 learns handwritten digits: a short run on a part of MNIST.')
  console.log('No ImageNet weights are at hand, so it starts from random ones and trains every layer.\n')
  const start = performance.now()
  const { history, checkpoint } = await finetune({
    model: 'resnet50',
    dataset: 'mnist',
    epochs: 1,
    batchSize: 16,
    lr: 0.001,
    optimizer: 'adam',
    schedule: 'cosine',
    momentum: 0,
    weightDecay: 0,
    labelSmoothing: 0,
    precision: 'f32',
    recalibrate: 256,
    zeroInitResidual: true,
    limit: 560,
    testLimit: 300,
    seed: 1,
    output: 'runs/demo',
    adapter,
  })
  const accuracy = history.at(-1)?.validation?.accuracy
  if (history.interrupted || accuracy === undefined) {
    console.log('stopped; the demonstration begins anew each time')
    return
  }
  const time = duration((performance.now() - start) / 1000)
  console.log(
    `\n${percent(accuracy)} of 300 unseen digits recognised after ${time} minutes; guessing would reach 10 %.`,
  )
  console.log(
    `\nThe weights are in ${checkpoint}.safetensors; npx daybreak evaluate ${checkpoint} measures them again.`,
  )
  console.log('\nAll of MNIST, from weights pretrained on ImageNet (a torchvision state dict as safetensors):')
  console.log('  npx daybreak finetune --model resnet50 --dataset mnist --weights resnet50.safetensors --epochs 10')
  console.log('Training only the last stage and the head is faster: add --freeze-until layer4')
}
