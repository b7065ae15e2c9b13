/** What all models here have in common: a head that ends in classes, and weights from a file for all but maybe that head. */
import type { Engine } from '../autograd/engine.js'
import { WeightsError } from '../device/errors.js'
import { Linear } from '../nn/linear.js'
import { Module } from '../nn/module.js'
import { positiveInteger } from '../nn/options.js'
import type { LoadReport } from '../nn/match.js'
import { type Rename, renamed } from '../nn/rename.js'
import type { StateDict, StoredArray } from '../nn/state-dict.js'
import type { DownloadProgress } from '../weights/download.js'
import { openWeights } from '../weights/files.js'
import { resolveWeights } from '../weights/published.js'
import { storedArrays } from '../weights/stored-arrays.js'

/** What a model got from a weights file. */
export interface WeightsReport extends LoadReport {
  /** The file. */
  readonly source: string
  /** The number of classes of the file's head; `undefined` where it has none. */
  readonly numClasses: number | undefined
  /** The tensors of the head, where the file has none for so many classes: they are new and untrained. */
  readonly fresh: readonly string[]
  /** What the file tells about itself, such as `image_mean`; see `WeightsFile`. */
  readonly metadata: Readonly<Record<string, string>>
}

/** How the tensors of a file become those of a model. */
export interface WeightsOptions {
  /** Whether missing and unexpected tensors are errors, as by default, or only reported. */
  strict?: boolean
  /** Names of tensors that may be missing all the same; one that ends in a dot stands for all that begin with it. */
  allowMissing?: readonly string[]
  /** New names for the file's tensors, if they are called otherwise than torchvision's. */
  rename?: Rename
}

export interface ClassifierOptions extends WeightsOptions {
  /**
   * `imagenet` for what torchvision publishes (downloaded once, see `weights.resolveWeights`), or a file: safetensors,
   * PyTorch's `.pth`, `.npz`, Keras' `.h5` or ONNX. Without it the weights are random.
   */
  weights?: string
  /** Where to download weights from, instead of where torchvision publishes them. */
  weightsUrl?: string
  /** Called while weights are downloaded. */
  onDownload?: (progress: DownloadProgress) => void
  /**
   * The number of classes; by default that of the weights file, or the one of torchvision. If the file has another number
   * than asked for, or no head, its head is left out and the new one is random: see `Classifier.loadReport`.
   */
  numClasses?: number
}

/** A network from images [N, H, W, C] to logits [N, numClasses]. */
export abstract class Classifier extends Module {
  /** What was loaded from a weights file, if anything was. */
  loadReport: WeightsReport | undefined

  constructor(
    engine: Engine,
    /** The name that `createModel` knows it by, such as `resnet50`. */
    readonly architecture: string,
  ) {
    super(engine)
  }

  /** The state-dict name of the last layer, such as `fc`. */
  abstract readonly headName: string
  /** The last layer; setting it does not return the old one's memory. */
  protected abstract head: Linear

  /**
   * Whether the backward pass computes the stages of the network again instead of keeping what they saved: less memory, the
   * same bits, and about a third more time. Returns the model. See docs/checkpointing.md.
   */
  abstract checkpointActivations(enabled?: boolean): this

  get numClasses(): number {
    return this.head.outFeatures
  }

  override get typeName(): string {
    return this.architecture
  }

  /** Puts a new, random, trainable last layer for another number of classes in place of the old one. */
  replaceHead(numClasses: number): this {
    const old = this.head
    this.head = this.makeHead(old.inFeatures, positiveInteger('numClasses', numClasses))
    this.head.train(this.training)
    old.dispose()
    return this
  }

  /**
   * Makes a second network for inference: each batch norm, by its running statistics, is folded into the convolution
   * before it, and costs nothing any more. Logits are those of this model after `eval()`, but for rounding. This model
   * does not change, and shares no memory with the new one; `dispose()` of the one that is not needed.
   *
   * The new network is in evaluation mode and frozen, as if by `freeze()`: its convolutions cannot be unfrozen, its head
   * can. The names of its other parameters stay, and convolutions have a bias (`conv1.bias`) where a batch norm followed;
   * so its state dict loads into networks made by `fuse()`, not into torchvision's. A model without batch norms gets an
   * equal network, evaluating and frozen as well.
   *
   * @throws OptionError when layers were replaced by others, apart from the head
   */
  abstract fuse(): Classifier

  /** A new last layer, with the initial values that the model gives it. */
  protected makeHead(inFeatures: number, numClasses: number): Linear {
    return new Linear(this.engine, inFeatures, numClasses)
  }

  /**
   * Loads all tensors of a state dict or of an open file (`weights.openWeights`); but if its head is for another number of
   * classes than the model has, or missing, the model gets a new head. Sets `loadReport`, and returns it.
   *
   * @param source what errors and the report call the tensors, such as their file's name
   * @throws WeightsError when tensors are missing, unexpected, of another shape or type, or cannot be read
   */
  async loadWeights(
    tensors: StateDict | ReadonlyMap<string, StoredArray>,
    {
      source = 'state dict',
      metadata = {},
      rename,
      allowMissing = [],
      ...options
    }: WeightsOptions & Partial<Pick<WeightsReport, 'source' | 'metadata'>> = {},
  ): Promise<WeightsReport> {
    const arrays = renamed(storedArrays(tensors), rename)
    const numClasses = classesOf(arrays, this.headName, source)
    const head = [`${this.headName}.weight`, `${this.headName}.bias`]
    const fresh = numClasses === this.numClasses ? [] : head
    const used = new Map([...arrays].filter(([name]) => !fresh.includes(name)))
    const report = await this.loadTensors(used, { ...options, source, allowMissing: [...allowMissing, ...fresh] })
    if (fresh.length > 0) this.replaceHead(this.numClasses)
    const missing = report.missing.filter((name) => !fresh.includes(name))
    return (this.loadReport = { ...report, missing, source, numClasses, fresh, metadata })
  }
}

/**
 * Builds a model and loads its weights, if any are named.
 *
 * @param build makes the model for a number of classes, or for its default number; `metadata` is that of the file
 * @throws WeightsError when the weights cannot be had or do not fit the model, apart from the number of classes
 */
export async function createClassifier<M extends Classifier>(
  engine: Engine,
  architecture: string,
  { weights, weightsUrl, onDownload, numClasses, ...options }: ClassifierOptions,
  headName: string,
  build: (numClasses: number | undefined, metadata: Readonly<Record<string, string>>) => M,
): Promise<M> {
  if (numClasses !== undefined) positiveInteger('numClasses', numClasses)
  if (weights === undefined && weightsUrl === undefined) return build(numClasses, {})
  const file = await resolveWeights(architecture, weights, { url: weightsUrl, onProgress: onDownload })
  const opened = await openWeights(file)
  try {
    const { tensors, metadata } = opened
    const classes = numClasses ?? classesOf(renamed(tensors, options.rename), headName, file)
    if (classes === undefined) {
      const expected = 'the weight [classes, features] of the last layer, or `numClasses` for a new one'
      throw new WeightsError(file, { tensor: `${headName}.weight`, expected, found: 'no such tensor' })
    }
    // without initial values where the file replaces all of them; loadWeights() makes a new head by itself
    const replacesAll = options.strict !== false && !options.allowMissing?.length
    const construct = () => build(classes, metadata)
    const model = replacesAll ? engine.device.withoutRunning(construct) : construct()
    try {
      await model.loadWeights(tensors, { ...options, source: file, metadata })
      return model
    } catch (error) {
      model.dispose()
      throw error
    }
  } finally {
    await opened.close()
  }
}

/** How many classes the head of a state dict has; `undefined` where there is no head. */
function classesOf(
  arrays: ReadonlyMap<string, Pick<StoredArray, 'shape'>>,
  headName: string,
  source: string,
): number | undefined {
  const tensor = `${headName}.weight`
  const found = arrays.get(tensor)
  if (found === undefined || found.shape.length >= 2) return found?.shape[0]
  throw new WeightsError(source, {
    tensor,
    expected: 'the weight [classes, features] of the last layer',
    found: `[${found.shape.join(', ')}]`,
  })
}
