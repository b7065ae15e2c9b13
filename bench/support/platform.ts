/** What results say about the machine. */
import os from 'node:os'

/** `linux x64, 2 x AMD EPYC, Node 20.20.2` */
export function platformText(): string {
  const cpu = os.cpus()[0]?.model.trim() ?? 'CPU'
  return `${os.platform()} ${os.arch()}, ${os.availableParallelism()} x ${cpu}, Node ${process.versions.node}`
}
