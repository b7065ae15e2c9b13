/** `daybreak inspect`: what is in a weights file. */
import Table from 'cli-table3'
import { formatBytes } from '../device/errors.js'
import { elementCount, inspectTensors, openWeights, type TensorDescription } from '../weights/index.js'

export async function inspectCommand(file: string, { json }: { json?: boolean }): Promise<void> {
  const opened = await openWeights(file)
  try {
    const tensors: TensorDescription[] = []
    for await (const tensor of inspectTensors(opened)) tensors.push(tensor)
    const total = (value: (tensor: TensorDescription) => number) => tensors.reduce((sum, each) => sum + value(each), 0)
    const totals = {
      tensors: tensors.length,
      elements: total(({ shape }) => elementCount(shape)),
      bytes: total(({ bytes }) => bytes),
      nonFinite: total(({ nonFinite }) => nonFinite),
    }
    const { format, metadata } = opened
    if (json) {
      console.log(JSON.stringify({ file, format, metadata, totals, tensors }))
      return
    }
    console.log(`${file} (${format})`)
    for (const [key, text] of Object.entries(metadata)) console.log(`  ${key}: ${text}`)
    if (tensors.length > 0) console.log(tableOf(tensors))
    console.log(
      `${totals.tensors} tensors, ${totals.elements.toLocaleString('en')} elements, ${formatBytes(totals.bytes)}, ` +
        (totals.nonFinite === 0 ? 'all finite' : `${totals.nonFinite.toLocaleString('en')} elements NaN or infinite`),
    )
  } finally {
    await opened.close()
  }
}

function tableOf(tensors: readonly TensorDescription[]): string {
  const table = new Table({
    head: ['tensor', 'shape', 'type', 'bytes', 'norm', 'not finite'],
    colAligns: ['left', 'left', 'left', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  })
  for (const { name, shape, type, bytes, norm, nonFinite } of tensors) {
    table.push([name, shape.join('x') || 'scalar', type, formatBytes(bytes), norm.toPrecision(5), nonFinite || ''])
  }
  return table.toString()
}
