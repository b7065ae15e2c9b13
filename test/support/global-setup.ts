/** Unpacks the bundled software driver once, before the test processes ask for it at the same time. */
export default async function setup(): Promise<void> {
  const { prepareBundledDriver } = await import('../../src/device/node/swiftshader.js')
  await prepareBundledDriver()
}
