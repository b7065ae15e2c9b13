/** How processes with devices live and end: under garbage collection, in mid-job, after errors. */
import { describe, expect, test } from 'vitest'
import { bundle, importable, type NodeResult, runNode } from '../support/child-process.js'

/** Opens a device as `host` and defines `work(rounds)`, which keeps the GPU busy for a while. */
const prelude = `
  const host = await openDevice()
  const { device, asynchronous } = host
  const module = device.createShaderModule({ code: \`
    @group(0) @binding(0) var<storage, read_write> values: array<f32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      var value = f32(id.x);
      for (var i = 0u; i < 1000u; i++) { value = value * 0.999 + 1.0; }
      values[id.x] = value;
    }\` })
  const pipeline = await asynchronous(() => device.createComputePipelineAsync({ layout: 'auto', compute: { module } }))
  const buffer = device.createBuffer({ size: 65536 * 4, usage: 0x80 })
  const bindGroup = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer } }] })
  function work(rounds) {
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, bindGroup)
    for (let i = 0; i < rounds; i++) pass.dispatchWorkgroups(1024)
    pass.end()
    device.queue.submit([encoder.finish()])
  }`

async function run(script: string, nodeArguments: string[] = []): Promise<NodeResult> {
  const file = await bundle('src/device/node.ts')
  return runNode(`import { openDevice } from ${importable(file)}\n${script}`, { nodeArguments })
}

describe('garbage collection', () => {
  test('does not take the instance from a living device', async () => {
    const result = await run(
      `${prelude}
       for (let i = 0; i < 20; i++) {
         work(1)
         gc()
         await asynchronous(() => device.queue.onSubmittedWorkDone())
         gc()
         await new Promise((resolve) => setTimeout(resolve, 1)) // finalizers run between turns of the event loop
       }
       console.log('done')`,
      ['--expose-gc'],
    )
    expect(result, result.stderr).toMatchObject({ status: 0, signal: null, stdout: 'done\n' })
  })

  test('may take everything that a program has dropped', async () => {
    const result = await run(
      `const before = process.listenerCount('exit')
       for (let i = 0; i < 8; i++) {
         let host = await openDevice()
         if (i % 2 === 0) host.device.destroy()
         host = undefined
         for (let j = 0; j < 3; j++) {
           gc()
           await new Promise((resolve) => setTimeout(resolve, 1))
         }
       }
       console.log('exit hooks:', process.listenerCount('exit') - before)`,
      ['--expose-gc'],
    )
    expect(result, result.stderr).toMatchObject({ status: 0, signal: null, stdout: 'exit hooks: 1\n' })
  })
})

describe('the end of the process', () => {
  test('comes by itself when nothing is pending, without the device being destroyed', async () => {
    const result = await run(`${prelude}; work(1)`)
    expect(result, result.stderr).toMatchObject({ status: 0, signal: null, stdout: '' })
  })

  test.each([0, 3])('in mid-job has the exit code %i', async (code) => {
    for (let attempt = 0; attempt < 5; attempt++) {
      const result = await run(
        `${prelude}
         work(2)
         void asynchronous(() => device.queue.onSubmittedWorkDone())
         setTimeout(() => process.exit(${code}), ${attempt * 3})`,
      )
      expect(result, result.stderr).toMatchObject({ status: code, signal: null })
    }
  })

  test('by an exception has the exit code 1', async () => {
    const result = await run(`${prelude}; work(2); throw new Error('stop')`)
    expect(result).toMatchObject({ status: 1, signal: null })
  })

  test('leaves no exit hook behind once every device is destroyed', async () => {
    const result = await run(
      `const before = process.listenerCount('exit')
       const devices = [(await openDevice()).device, (await openDevice()).device]
       const counts = [process.listenerCount('exit') - before]
       for (const device of devices) {
         device.destroy()
         await device.lost
         counts.push(process.listenerCount('exit') - before)
       }
       console.log(counts.join())`,
    )
    expect(result, result.stderr).toMatchObject({ status: 0, signal: null, stdout: '1,1,0\n' })
  })
})

test('errors that nobody handles are not printed on stdout', async () => {
  const result = await run(
    `const { device, asynchronous } = await openDevice()
     device.createBuffer({ size: 4, usage: 0 })
     await asynchronous(() => device.queue.onSubmittedWorkDone())`,
  )
  expect(result, result.stderr).toMatchObject({ status: 0, signal: null, stdout: '' })
})
