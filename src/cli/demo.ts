/**
 * `daybreak demo`, which `npm start` runs: a real fine-tuning run that ends within minutes on two CPU cores with the bundled
 * driver. Without pretrained weights at hand it trains all of ResNet-50 from random weights on few images in small batches:
 * the printed accuracy is that of digits the network has not seen.
 */
import { percent } from './progress.js'
import { finetune } from './finetune.js'

export async function demo({ adapter }: { adapter?: string }): Promise<void> {
  console.log('ResNet-50 learns handwritten digits: a short run on a part of MNIST.')
  console.log('No ImageNet weights are at hand, so it starts from random ones and trains every layer.\n')
  const history = await finetune({
    model: 'resnet50',
    dataset: 'mnist',
    epochs: 1,
    batchSize: 16,
    lr: 0.001,
    optimizer: 'adam',
    momentum: 0.9,
    weightDecay: 0,
    labelSmoothing: 0,
    limit: 1600,
    testLimit: 500,
    seed: 1,
    output: 'runs/demo',
    adapter,
  })
  const accuracy = history.at(-1)?.validation?.accuracy
  if (history.interrupted || accuracy === undefined) return
  console.log(`\n${percent(accuracy)} of the test digits are recognised; guessing would reach 10 %.`)
  console.log('\nAll of MNIST, from weights pretrained on ImageNet (a torchvision state dict as safetensors):')
  console.log('  npx daybreak finetune --model resnet50 --dataset mnist --weights resnet50.safetensors --epochs 10')
  console.log('Train only the last stage and the head, which is faster: add --freeze-until layer4')
}
