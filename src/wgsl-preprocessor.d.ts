/** The package ships no types; its only export is a template tag. */
declare module 'wgsl-preprocessor/wgsl-preprocessor.js' {
  export function wgsl(strings: readonly string[], ...values: readonly (string | number | boolean)[]): string
}
