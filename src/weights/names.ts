/** What wrappers put in front of every name: DistributedDataParallel and DataParallel, torch.compile. */
const wrapperPrefixes = ['module.', '_orig_mod.']

/** Takes the prefixes of wrappers off, where every name has them; they may be nested. */
export function withoutWrapperPrefixes<T>(tensors: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  const names = [...tensors.keys()]
  const prefix = wrapperPrefixes.find((each) => names.every((name) => name.startsWith(each)))
  if (prefix === undefined || names.length === 0) return tensors
  return withoutWrapperPrefixes(new Map([...tensors].map(([name, tensor]) => [name.slice(prefix.length), tensor])))
}
