/** What to tell somebody whose machine offers no adapter, or not the one that was asked for. */
import { AdapterNotFoundError } from '../errors.js'
import { bundledDriverPackage } from './swiftshader.js'

interface KnownAdapter {
  readonly name: string
  readonly kind: string
  readonly source: string
}

/** No adapter at all: says what was tried, and what to install. */
export function noAdapter(tried: readonly string[]): AdapterNotFoundError {
  const lines = [
    'no adapter that can compute was found. Tried:',
    ...tried.map((attempt) => `  - ${attempt}`),
    'What helps:',
    '  - a machine with a GPU needs its Vulkan driver and the Vulkan loader. On Debian and Ubuntu: ' +
      '"apt install libvulkan1 mesa-vulkan-drivers" for AMD and Intel, the package "nvidia-driver" (Debian) or ' +
      '"ubuntu-drivers install" (Ubuntu) for NVIDIA',
    '  - without a GPU, on Linux x64, Daybreak computes on the CPU with the software driver in its optional ' +
      `dependency: "npm install ${bundledDriverPackage}@143", or install again without "--omit=optional"`,
  ]
  return new AdapterNotFoundError(lines.join('\n'), tried)
}

/** There are adapters, but none by this name. */
export function noSuchAdapter(wanted: string, known: readonly KnownAdapter[], tried: readonly string[]) {
  const names = known.map(({ name, kind, source }) => `"${name}" (${kind}, ${source})`)
  return new AdapterNotFoundError(
    `no adapter's name contains "${wanted}" (option "adapter", or DAYBREAK_ADAPTER); this machine has ${names.join(', ')}`,
    tried,
  )
}
