import { readFileSync } from 'node:fs'

/**
 * The most memory that this process has had resident, in 10^6 bytes. Linux's getrusage would give no less than what the parent had
 * when it started the process; the kernel's own record begins with the program.
 */
export function peakMemory(): number {
  const kibibytes = process.platform === 'linux' ? highWaterMark() : undefined
  return ((kibibytes ?? process.resourceUsage().maxRSS) * 1024) / 1e6
}

function highWaterMark(): number | undefined {
  const line = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))
  return line ? Number(line[1]) : undefined
}
