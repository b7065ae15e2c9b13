/** What all models here have in common: a head that ends in classes, and weights from a file for all but maybe that head. */
import type { Engine } from '../autograd/engine.js'
import { WeightsError } from '../device/errors.js'
import { Linear } from '../nn/linear.js'
import { Module } from '../nn/module.js'
import { positiveInteger } from '../nn/options.js'
import type { StateDict } from '../nn/state-dict.js'
import { readStateDict } from '../weights/files.js'

/** What a model got from a weights file. */
export interface WeightsReport {
  /** The file. */
  readonly source: string
  /** The number of classes that the file's head has. */
  readonly numClasses: number
  /** The parameters that the file has for other classes, and that are therefore new and untrained. */
  readonly fresh: readonly string[]
}

export interface ClassifierOptions {
  /** A weights file with torchvision's names, such as a `.safetensors` file. Without one the weights are random. */
  weights?: string
  /**
   * The number of classes; by default that of the weights file, or the one of torchvision. If the file has another number
   * than asked for, its head is left out and the new one is random: see `Classifier.loadReport`.
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

  /** A new last layer, with the initial values that the model gives it. */
  protected makeHead(inFeatures: number, numClasses: number): Linear {
    return new Linear(this.engine, inFeatures, numClasses)
  }

  /**
   * Loads all tensors; but if the state dict's head is for another number of classes than the model has, the model gets a
   * new head. See `loadReport`.
   *
   * @param source what errors and the report call the state dict, such as its file's name
   */
  loadWeights(stateDict: StateDict, source = 'state dict'): this {
    const numClasses = classesOf(stateDict, this.headName, source)
    if (numClasses === this.numClasses) {
      this.loadStateDict(stateDict, { source })
      this.loadReport = { source, numClasses, fresh: [] }
      return this
    }
    const head = [`${this.headName}.weight`, `${this.headName}.bias`]
    const backbone = new Map([...stateDict].filter(([name]) => !head.includes(name)))
    this.loadStateDict(backbone, { source, mayMiss: head })
    this.replaceHead(this.numClasses)
    this.loadReport = { source, numClasses, fresh: head }
    return this
  }
}

/**
 * Builds a model and loads its weights, if a file is named.
 *
 * @param build makes the model for a number of classes, or for its default number
 * @throws WeightsError when the file cannot be read or does not fit the model, apart from the number of classes
 */
export async function createClassifier<M extends Classifier>(
  engine: Engine,
  { weights, numClasses }: ClassifierOptions,
  headName: string,
  build: (numClasses: number | undefined) => M,
): Promise<M> {
  if (numClasses !== undefined) positiveInteger('numClasses', numClasses)
  if (weights === undefined) return build(numClasses)
  const { stateDict } = await readStateDict(weights)
  const classes = numClasses ?? classesOf(stateDict, headName, weights)
  // without initial values: the file replaces all of them, and loadWeights() those that it has not
  const model = engine.device.withoutRunning(() => build(classes))
  try {
    return model.loadWeights(stateDict, weights)
  } catch (error) {
    model.dispose()
    throw error
  }
}

/** How many classes the head of a state dict has. */
function classesOf(stateDict: StateDict, headName: string, source: string): number {
  const tensor = `${headName}.weight`
  const found = stateDict.get(tensor)
  if (found?.shape.length === 2) return found.shape[0]!
  throw new WeightsError(source, {
    tensor,
    expected: 'the weight [classes, features] of the last layer',
    found: found ? `[${found.shape.join(', ')}]` : 'no such tensor',
  })
}
