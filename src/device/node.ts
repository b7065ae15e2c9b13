/**
 * Opening a device in Node: the only file that imports `webgpu` (Dawn). It decides which adapter is used; how drivers
 * are reached, how long Dawn's objects live and how it is polled is in src/device/node/.
 *
 * The choice: a real GPU, else a software driver of the system (such as lavapipe), else the bundled SwiftShader.
 */
import { AdapterNotFoundError } from './errors.js'
import { type AdapterDescription, type DeviceHost, subgroupSizeOf } from './host.js'
import { bundledDriverHint, findDrivers } from './node/drivers.js'
import { environmentVariable } from './node/environment.js'
import { type Dawn, listAdaptersOf, requestAdapterOf } from './node/instances.js'
import { holdDevice } from './node/lifetime.js'
import { chooseLimits, type RequiredLimits } from './node/limits.js'
import { noAdapter, noSuchAdapter } from './node/not-found.js'
import { asynchronous } from './node/polling.js'

/** An adapter of this machine, for listings. */
export interface AdapterSummary {
  readonly name: string
  readonly backend: string
  readonly kind: 'gpu' | 'software'
  readonly source: 'system' | 'bundled'
}

export interface OpenOptions {
  /** A part of the adapter's name, in any case: "swiftshader", "llvmpipe". DAYBREAK_ADAPTER by default. */
  adapter?: string
  /** Smaller limits than the adapter's, by their WebGPU names: to test what happens on lesser adapters. */
  requiredLimits?: RequiredLimits
}

const optionalFeatures: readonly GPUFeatureName[] = ['timestamp-query', 'shader-f16', 'subgroups']

/**
 * Opens a device on the best adapter of this machine, with all that the adapter offers.
 * Throws `AdapterNotFoundError` if there is none (or none by the name in `options.adapter`), and `OptionError` if the
 * adapter offers less than `options.requiredLimits`.
 */
export async function openDevice(options: OpenOptions = {}): Promise<DeviceHost> {
  const dawn = await loadDawn()
  const wanted = options.adapter ?? environmentVariable('DAYBREAK_ADAPTER')
  const known: AdapterSummary[] = []
  const tried: string[] = []
  for await (const { drivers, adapters } of searchAdapters(dawn, tried)) {
    known.push(...adapters)
    const matching = adapters.filter(({ name }) => wanted === undefined || containsIgnoringCase(name, wanted))
    // without a wish, Dawn knows best which GPU is the fastest; with one, a GPU still goes before a software driver
    const chosen = matching.find(({ kind }) => kind === 'gpu') ?? matching[0]
    if (!chosen) continue
    const adapter = await requestAdapterOf(dawn, drivers, wanted === undefined ? undefined : chosen.name)
    if (!adapter) continue
    const limits = chooseLimits(adapter, options.requiredLimits ?? {})
    const device = await requestDevice(adapter, limits).catch((error: unknown) => {
      tried.push(`${chosen.name}: it gives no device (${messageOf(error)})`)
    })
    if (device) {
      const description = describe(adapter, adapters, drivers.source)
      return { device, adapter: { ...description, subgroupSize: subgroupSizeOf(device) }, limits, asynchronous }
    }
  }
  const found = known.some(({ name }) => wanted === undefined || containsIgnoringCase(name, wanted))
  throw wanted !== undefined && known.length > 0 && !found ? noSuchAdapter(wanted, known, tried) : noAdapter(tried)
}

/** All adapters that can be opened, the system's before the bundled one. */
export async function listAdapters(): Promise<AdapterSummary[]> {
  const all: AdapterSummary[] = []
  for await (const { adapters } of searchAdapters(await loadDawn(), [])) all.push(...adapters)
  return all
}

async function loadDawn(): Promise<Dawn> {
  try {
    return await import('webgpu')
  } catch (error) {
    const reason = messageOf(error)
    throw new AdapterNotFoundError(
      `the npm package "webgpu" cannot be loaded here (${reason}); it has binaries for Linux with glibc 2.34 or newer ` +
        '(Debian 12, Ubuntu 22.04), macOS and Windows, on x64 and arm64',
      [`npm package "webgpu": ${reason}`],
    )
  }
}

/** Looks at one place after the other; what is not there is noted in `tried`. */
async function* searchAdapters(dawn: Dawn, tried: string[]) {
  for await (const drivers of findDrivers()) {
    const place = drivers.source === 'system' ? 'drivers of the system' : 'bundled software driver'
    if ('unavailable' in drivers) {
      tried.push(`${place}: ${drivers.unavailable}`)
      continue
    }
    const listed = await listAdaptersOf(dawn, drivers)
    const adapters: AdapterSummary[] = listed
      .filter(({ backend }) => backend !== 'null') // Dawn's Null backend accepts everything and computes nothing
      .filter(({ name }) => drivers.source === 'system' || containsIgnoringCase(name, 'swiftshader'))
      .map(({ name, backend }) => ({ name, backend, kind: kindOf(name), source: drivers.source }))
    if (adapters.length > 0) {
      tried.push(`${place}: ${adapters.map(({ name }) => name).join(', ')}`)
      yield { drivers, adapters }
    } else if (listed.some(({ backend }) => backend === 'null')) {
      tried.push(`${place}: only Dawn's Null backend, which computes nothing (is DAWNNODE_BACKEND set?)`)
    } else {
      const why = drivers.source === 'bundled' ? bundledDriverHint() : 'they offer no adapter that WebGPU accepts'
      tried.push(`${place}: ${why}`)
    }
  }
}

async function requestDevice(adapter: GPUAdapter, requiredLimits: DeviceHost['limits']): Promise<GPUDevice> {
  const requiredFeatures = optionalFeatures.filter((feature) => adapter.features.has(feature))
  const device = await asynchronous(() => adapter.requestDevice({ requiredLimits, requiredFeatures }))
  holdDevice(adapter, device)
  // An error that nobody prevents is printed on stdout, where it would end up in somebody's data.
  device.addEventListener('uncapturederror', (event) => {
    event.preventDefault()
  })
  return device
}

function describe(
  { info }: GPUAdapter,
  listed: readonly AdapterSummary[],
  source: AdapterSummary['source'],
): Omit<AdapterDescription, 'subgroupSize'> {
  const { vendor, architecture, device, description } = info
  const name = listed.find((adapter) => identifierOf(adapter.name) === device)?.name ?? (device || description)
  const kind = info.isFallbackAdapter ? 'software' : kindOf(name)
  return { name, driver: description, vendor, architecture, kind, source }
}

/** Dawn lists adapters with nothing but their names, and gives the chosen one no name but this form of it. */
function identifierOf(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, '-')
}

function kindOf(name: string): 'gpu' | 'software' {
  return /llvmpipe|lavapipe|softpipe|swiftshader|basic render/i.test(name) ? 'software' : 'gpu'
}

function containsIgnoringCase(text: string, part: string): boolean {
  return text.toLowerCase().includes(part.toLowerCase())
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
