/**
 * The GPUs that kernels are judged for: what the compiler's statistics do not say. Sources: AMD's white papers on RDNA and
 * Vega, its ISA documents, and the cards' data sheets.
 */

export interface Chip {
  /** As RADV_FORCE_FAMILY calls it. */
  readonly family: string
  /** The fastest card with all of its processors, whose clock and memory are counted with. */
  readonly card: string
  /** AMD's generations of shader processors: GCN, and RDNA 1 to 4. */
  readonly generation: 'gcn' | 'rdna1' | 'rdna2' | 'rdna3' | 'rdna4'
  /** What a workgroup runs on: a pair of compute units (RDNA, "WGP"), or one (GCN). Both have four SIMDs. */
  readonly processors: number
  /** Boost clock in GHz. */
  readonly clock: number
  /** Parts of the L2 cache, each of which reads 64 bytes in a clock. */
  readonly cacheSlices: number
  /** Of the graphics memory, in 10^9 bytes per second. */
  readonly memoryBandwidth: number
  /** Whether f32 fma is as fast as multiplication and addition. */
  readonly fastFma: boolean
}

export const simdsPerProcessor = 4

export const chips: readonly Chip[] = [
  chip('polaris10', 'RX 480', 'gcn', 36, 1.266, 8, 256, false),
  chip('vega10', 'RX Vega 64', 'gcn', 64, 1.546, 16, 484),
  chip('navi10', 'RX 5700 XT', 'rdna1', 20, 1.905, 16, 448),
  chip('navi21', 'RX 6900 XT', 'rdna2', 40, 2.25, 16, 512),
  chip('navi23', 'RX 6600 XT', 'rdna2', 16, 2.589, 8, 256),
  chip('navi31', 'RX 7900 XTX', 'rdna3', 48, 2.5, 24, 960),
  chip('navi33', 'RX 7600', 'rdna3', 16, 2.655, 8, 288),
  chip('gfx1200', 'RX 9060 XT', 'rdna4', 16, 3.13, 8, 320),
  chip('gfx1201', 'RX 9070 XT', 'rdna4', 32, 2.97, 16, 640),
]

function chip(
  family: string,
  card: string,
  generation: Chip['generation'],
  processors: number,
  clock: number,
  cacheSlices: number,
  memoryBandwidth: number,
  fastFma = true,
): Chip {
  return { family, card, generation, processors, clock, cacheSlices, memoryBandwidth, fastFma }
}

/** Throws an `Error` that lists the families for one that is not known. */
export function chipOf(family: string): Chip {
  const found = chips.find((candidate) => candidate.family === family)
  if (found) return found
  const known = chips.map(({ family, card }) => `${family} (${card})`).join(', ')
  throw new Error(`the GPU family "${family}" is not known; there are ${known}`)
}

/** The lanes of a SIMD that one instruction keeps busy in a clock. */
export function simdLanes({ generation }: Chip): number {
  return generation === 'gcn' ? 16 : 32
}

/** Whether a SIMD starts two f32 operations in a clock: VOPD in waves of 32 lanes, both halves of waves of 64. */
export function issuesTwice({ generation }: Chip): boolean {
  return generation === 'rdna3' || generation === 'rdna4'
}

/** Multiply-adds that the whole chip can do in a clock: all that it can, and without issuing two at once. */
export function peakOf(chip: Chip): { readonly full: number; readonly single: number } {
  const single = chip.processors * simdsPerProcessor * simdLanes(chip)
  return { full: issuesTwice(chip) ? 2 * single : single, single }
}

/** Bytes in a clock of a processor's shared memory: 128 for each compute unit. */
export function sharedMemoryRate({ generation }: Chip): number {
  return generation === 'gcn' ? 128 : 256
}

/** Bytes in a clock of a processor's L0 caches: 64 for a compute unit of GCN, 128 for one of RDNA. */
export function vectorCacheRate({ generation }: Chip): number {
  return generation === 'gcn' ? 64 : 256
}
