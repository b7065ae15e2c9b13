import { matmul } from '../src/autograd/ops/matmul.js'
import { matrixProducts } from './support/compared.js'
import { suite } from './support/case.js'
import { operationCases } from './support/operation.js'

export default suite(
  'matmul',
  ...matrixProducts.map(({ name, rows, inner, columns }) => product(name, rows, inner, columns)),
  operationCases({
    name: 'mm_batched',
    inputs: { a: [32, 128, 64], b: [32, 64, 128] },
    run: ({ a, b }) => matmul(a, b),
    multiplyAdds: 32 * 128 * 64 * 128,
  }),
)

function product(name: string, rows: number, inner: number, columns: number) {
  return operationCases({
    name,
    inputs: { a: [rows, inner], b: [inner, columns] },
    run: ({ a, b }) => matmul(a, b),
    multiplyAdds: rows * inner * columns,
  })
}
