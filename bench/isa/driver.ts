/**
 * Making Mesa's RADV compile for a GPU that is not there: finds the driver, builds the layer in front of it
 * (null-queue.c), and gives the environment in which Dawn finds nothing but that GPU.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** What keeps this tool from working on this machine, and what to do about it. */
export class SetupError extends Error {
  override readonly name = 'SetupError'
}

const driverName = 'libvulkan_radeon.so'
const driverHint =
  `RADV_LIB has to name Mesa's ${driverName}, version 22 to 25 (Mesa 26 has no RADV_FORCE_FAMILY); on Debian and Ubuntu it ` +
  'is in the package mesa-vulkan-drivers, which can be unpacked anywhere with "dpkg -x"'

/**
 * The path of RADV's library: RADV_LIB, else beside the library of the manifest that VK_DRIVER_FILES or VK_ICD_FILENAMES
 * names. Throws `SetupError`.
 */
export function findDriver(environment: NodeJS.ProcessEnv): string {
  const named = environment.RADV_LIB
  if (named) {
    if (existsSync(named)) return path.resolve(named)
    throw new SetupError(`RADV_LIB is "${named}", which does not exist: ${driverHint}`)
  }
  const manifests = (environment.VK_DRIVER_FILES ?? environment.VK_ICD_FILENAMES ?? '').split(path.delimiter)
  for (const manifest of manifests.filter(Boolean)) {
    const library = libraryOf(manifest)
    if (library === undefined) continue
    const beside = path.join(path.dirname(library), driverName)
    if (existsSync(beside)) return beside
  }
  throw new SetupError(`${driverName} was not found: ${driverHint}`)
}

/** The library that a driver's manifest names, if there is such a manifest. */
function libraryOf(manifest: string): string | undefined {
  let contents: unknown
  try {
    contents = JSON.parse(readFileSync(manifest, 'utf8'))
  } catch {
    return undefined
  }
  const library = (contents as { ICD?: { library_path?: unknown } } | null)?.ICD?.library_path
  return typeof library === 'string' ? path.resolve(path.dirname(manifest), library) : undefined
}

/**
 * Compiles the layer with the system's C compiler, if that was not done since its source changed, and writes its
 * manifest. Gives the manifest's path. Throws `SetupError`.
 */
export function buildNullQueue(project: string): string {
  const source = path.join(project, 'bench', 'isa', 'null-queue.c')
  const folder = path.join(project, 'build', 'isa')
  const library = path.join(folder, 'null-queue.so')
  const manifest = path.join(folder, 'null-queue.json')
  mkdirSync(folder, { recursive: true })
  if (!existsSync(library) || statSync(library).mtimeMs < statSync(source).mtimeMs) compile(source, library)
  const contents = { file_format_version: '1.0.0', ICD: { api_version: '1.3.0', library_path: library } }
  writeFileSync(manifest, JSON.stringify(contents))
  return manifest
}

function compile(source: string, library: string): void {
  const temporary = `${library}.${process.pid}`
  const flags = ['-shared', '-fPIC', '-O1', '-Wall', '-Wextra', '-fvisibility=hidden']
  try {
    execFileSync('cc', [...flags, '-o', temporary, source, '-ldl'], { stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: Buffer }
    if (code === 'ENOENT') {
      throw new SetupError(`no C compiler "cc" was found, which builds ${source}: install gcc or clang`)
    }
    throw new SetupError(`cc could not build ${source}:\n${stderr?.toString() ?? String(error)}`)
  }
  renameSync(temporary, library)
}

/**
 * The environment of a process that sees one GPU of the given family, and whose driver prints what it compiles on stderr.
 * `waveSize` is the lanes of a wave where the GPU leaves a choice, by default Dawn's, which is 64.
 */
export function compilerEnvironment(
  environment: NodeJS.ProcessEnv,
  options: { manifest: string; driver: string; family: string; waveSize: number | undefined },
): NodeJS.ProcessEnv {
  const { manifest, driver, family, waveSize } = options
  return {
    ...environment,
    VK_DRIVER_FILES: manifest,
    VK_ICD_FILENAMES: manifest,
    DAYBREAK_ISA_DRIVER: driver,
    DAYBREAK_ADAPTER: '',
    RADV_FORCE_FAMILY: family,
    RADV_DEBUG: 'shaderstats,asm,nocache',
    ...(waveSize !== undefined && { DAYBREAK_ISA_WAVE_SIZE: String(waveSize) }),
    MESA_SHADER_CACHE_DISABLE: 'true',
    NODEVICE_SELECT: '1',
  }
}
