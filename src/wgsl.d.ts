/** A `.wgsl` import is the file's text, with its `#include` lines already replaced (see tools/wgsl-plugin.ts). */
declare module '*.wgsl' {
  const source: string
  export default source
}
