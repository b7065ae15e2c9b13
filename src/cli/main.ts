#!/usr/bin/env node
/**
 * The `daybreak` command. Everything in src/cli is thin: it parses options, calls the library and prints.
 */
import { Command, InvalidArgumentError, Option } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import { datasets } from '../data/index.js'
import { modelNames } from '../models/index.js'
import { precisions } from '../training/index.js'
import { tuneModes } from '../tuning/tuner.js'
import { convertCommand } from './convert.js'
import { demo } from './demo.js'
import { doctor } from './doctor.js'
import { evaluateCommand } from './evaluate.js'
import { finetuneCommand } from './finetune.js'
import { inspectCommand } from './inspect.js'
import { predictCommand } from './predict.js'
import { profileCommand } from './profile.js'
import { reportError } from './report-error.js'
import { summaryCommand } from './summary.js'
import { tuneCommand } from './tune.js'

const program = new Command('daybreak')
  .description('Fine-tune pretrained vision networks on any GPU that WebGPU reaches')
  .version(packageJson.version)
  .showHelpAfterError('(see daybreak --help)')

const formats = 'safetensors, .pth, .npz, .h5 or .onnx'
const adapter = () => new Option('--adapter <name>', 'a part of the name of the GPU or driver to use')
const model = () => new Option('--model <name>', `the network: ${modelNames.join(', ')}`).default('resnet50')
const dataset = () =>
  new Option('--dataset <name>', `the data set: ${Object.keys(datasets).join(', ')}`).default('mnist')
const checkpointActivations = () =>
  new Option(
    '--checkpoint-activations',
    'compute the stages of the network again in the backward pass: less memory, more time',
  )
const tune = () =>
  new Option(
    '--tune <mode>',
    'choose kernels by what was measured on this adapter: off, cached (if it was), full (measure first)' +
      ' (default: DAYBREAK_TUNE, else cached)',
  ).choices(tuneModes)
const data = () => new Option('--data <folder>', "a folder with the data set's files instead of the packaged ones")

program
  .command('finetune')
  .description('train a network on a data set, from pretrained weights if there are any')
  .addOption(model())
  .addOption(dataset())
  .addOption(data())
  .option('--weights <name>', `pretrained weights to start from: imagenet (downloaded once), or a file: ${formats}`)
  .option('--weights-url <url>', 'download the weights from this address, such as a mirror of torchvision')
  .option('--freeze-until <layer>', 'train only this layer and those after it, such as layer4')
  .option('--epochs <n>', 'passes over the training images', positiveInteger, 10)
  .option('--batch-size <n>', 'images per step', positiveInteger, 128)
  .option('--lr <rate>', 'learning rate', positiveNumber, 0.001)
  .addOption(new Option('--optimizer <name>', 'the optimizer').choices(['adam', 'adamw', 'sgd']).default('adam'))
  .addOption(
    new Option('--schedule <name>', 'how the learning rate moves over the run')
      .choices(['constant', 'cosine'])
      .default('constant'),
  )
  .option('--momentum <m>', 'momentum of sgd', nonNegativeNumber, 0.9)
  .option('--weight-decay <w>', 'weight decay', nonNegativeNumber, 0)
  .option('--label-smoothing <s>', 'label smoothing of the loss, 0 to 1', fraction, 0)
  .addOption(
    new Option(
      '--precision <type>',
      'what activations are stored as; f16 takes half the memory, where the adapter has it',
    )
      .choices(precisions)
      .default('f32'),
  )
  .addOption(checkpointActivations())
  .option('--recalibrate <n>', 'measure batch norm statistics anew on n images before each test', nonNegativeInteger, 0)
  .option('--no-plan', 'run every step by itself instead of recording it once and replaying it')
  .option('--zero-init-residual', 'let the residual branches of a ResNet begin as zero')
  .option('--limit <n>', 'use only the first n training images', positiveInteger)
  .option('--test-limit <n>', 'use only the first n test images', positiveInteger)
  .option('--seed <n>', 'seed of initialisation, order and dropout', nonNegativeInteger, 0)
  .option('--output <path>', 'where checkpoints go, without extension (default: runs/<model>-<dataset>)')
  .option('--resume', 'go on from the checkpoint at --output')
  .addOption(tune())
  .addOption(adapter())
  .action(finetuneCommand)

program
  .command('evaluate')
  .description('measure a checkpoint on the test images')
  .argument('<checkpoint>', 'the path of a checkpoint, with or without extension')
  .addOption(new Option('--dataset <name>', "the data set (default: the checkpoint's)"))
  .addOption(data())
  .option('--batch-size <n>', 'images per step', positiveInteger, 128)
  .option('--limit <n>', 'use only the first n test images', positiveInteger)
  .option('--json', 'print one line of JSON')
  .addOption(tune())
  .addOption(adapter())
  .action(evaluateCommand)

program
  .command('predict')
  .description('say which classes a network sees in image files')
  .argument('<images...>', 'image files: JPEG, PNG, WebP, GIF, TIFF or AVIF')
  .option('--model <name>', `the network: ${modelNames.join(', ')} (default: the checkpoint's, else resnet50)`)
  .option('--weights <name>', `imagenet (downloaded once), a checkpoint of finetune, or a file: ${formats}`)
  .option('--weights-url <url>', 'download the weights from this address, such as a mirror of torchvision')
  .option('--top <k>', 'how many of the most probable classes to print', positiveInteger, 5)
  .option('--classes <file>', 'names of the classes: a JSON list, or text with one on each line')
  .option('--resize <n>', "pixels of an image's shorter side (default: 256, or as trained)", positiveInteger)
  .option(
    '--crop <n>',
    'pixels of the square that is cut from the middle (default: 224, or as trained)',
    positiveInteger,
  )
  .option('--apply-exif-orientation', 'turn photos as their EXIF data says')
  .option('--batch-size <n>', 'images that the network sees at once', positiveInteger, 32)
  .option('--json', 'print one line of JSON for each image')
  .addOption(tune())
  .addOption(adapter())
  .action(predictCommand)

program
  .command('convert')
  .description("convert a weights file into safetensors or .npz with torchvision's names and layouts")
  .argument('<in>', `the file to read: ${formats}, or the index of a sharded checkpoint`)
  .argument('<out>', 'the file to write: its name ends in .safetensors or .npz')
  .addOption(
    new Option('--model <name>', 'check that the file has exactly the tensors of this network, and complete counters'),
  )
  .option('--rename <old=new...>', 'rename tensors; a name that ends in a dot renames all that begin with it', [])
  .addOption(adapter())
  .action(convertCommand)

program
  .command('inspect')
  .description('list what is in a weights file: names, shapes, types, sizes, norms, elements that are not finite')
  .argument('<file>', `${formats}, or the index of a sharded checkpoint`)
  .option('--json', 'print one line of JSON')
  .action(inspectCommand)

program
  .command('summary')
  .description("print a network's layers, output shapes and parameters")
  .addOption(model())
  .option('--num-classes <n>', 'classes of the head', positiveInteger)
  .option(
    '--input <shape>',
    'the input as N,H,W,C (default: an image of the size that the network was made for)',
    shape,
  )
  .addOption(adapter())
  .action(summaryCommand)

program
  .command('profile')
  .description(
    'show where the time of a step goes: by kernel, layer or dispatch, beside what the adapter can do at most',
  )
  .addOption(model())
  .option('--weights <name>', `imagenet (downloaded once), or a file: ${formats} (default: random weights)`)
  .option('--num-classes <n>', 'classes of the head', positiveInteger)
  .option('--batch-size <n>', 'images of the step; they are random', positiveInteger, 8)
  .option(
    '--image-size <n>',
    'height and width of the images (default: what the network was made for)',
    positiveInteger,
  )
  .addOption(
    new Option('--mode <name>', 'inference, or forward, loss, backward and optimizer')
      .choices(['forward', 'training'])
      .default('training'),
  )
  .option('--freeze-until <layer>', 'train only this layer and those after it, such as layer4')
  .addOption(checkpointActivations())
  .option('--fuse', 'fold batch norms into convolutions before (with --mode forward)')
  .addOption(new Option('--by <what>', 'what is a row').choices(['kernel', 'layer', 'dispatch']).default('kernel'))
  .option('--top <n>', 'how many rows to print, those that take the longest', positiveInteger, 20)
  .option('--trace <file>', 'write a trace for chrome://tracing and Perfetto')
  .option('--json', 'print one line of JSON')
  .addOption(tune())
  .addOption(adapter())
  .action(profileCommand)

program
  .command('tune')
  .description('measure which kernels are the fastest for a network on this adapter; later runs use what was measured')
  .addOption(model())
  .option('--num-classes <n>', 'classes of the head', positiveInteger)
  .option('--batch-size <n>', 'images of a step', positiveInteger, 32)
  .option(
    '--image-size <n>',
    'height and width of the images (default: what the network was made for)',
    positiveInteger,
  )
  .addOption(
    new Option('--mode <name>', 'inference, or a training step and its evaluation')
      .choices(['forward', 'training'])
      .default('training'),
  )
  .option('--freeze-until <layer>', 'train only this layer and those after it, such as layer4')
  .option('--fuse', 'fold batch norms into convolutions before (with --mode forward)')
  .option('--again', 'measure what was measured earlier, too')
  .option('--export <file>', 'add the chosen methods to a table for adapters of this class (see docs/tuning.md)')
  .option('--json', 'print one line of JSON')
  .addOption(adapter())
  .action(tuneCommand)

program
  .command('doctor')
  .description('list adapters, limits and features, and check every kernel against results of the CPU')
  .addOption(adapter())
  .action(doctor)

program
  .command('demo')
  .description('a real fine-tuning of ResNet-50 on a part of MNIST in a few minutes, on any machine')
  .addOption(adapter())
  .action(demo)

/** What options of the library are called on the command line. */
const flags = new Map([
  ...program.commands.flatMap(({ options }) => options.map((each) => [each.attributeName(), each.long!] as const)),
  ['until', '--freeze-until'],
])

// Whoever reads the output may have seen enough (`| head -1`): training goes on all the same.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = reportError(error, flags)
}

function positiveInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('It must be a positive integer.')
  return value
}

function nonNegativeInteger(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0) {
    throw new InvalidArgumentError('It must be an integer, 0 or more.')
  }
  return value
}

function positiveNumber(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('It must be a number above 0.')
  return value
}

function nonNegativeNumber(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
    throw new InvalidArgumentError('It must be a number, 0 or more.')
  }
  return value
}

function fraction(text: string): number {
  const value = nonNegativeNumber(text)
  if (value > 1) throw new InvalidArgumentError('It must be a number from 0 to 1.')
  return value
}

function shape(text: string): number[] {
  const sizes = text.split(/[,x]/)
  if (sizes.length !== 4)
    throw new InvalidArgumentError('It must be four positive integers: images,height,width,channels.')
  return sizes.map(positiveInteger)
}
