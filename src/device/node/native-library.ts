/**
 * Loading a native library that is no Node addon into this process, without LD_LIBRARY_PATH and without native code.
 * The dynamic linker then answers a later `dlopen` of the same soname with the library that is already there.
 */
import os from 'node:os'

/** glibc's RTLD_NODELETE; Node hands the flags to dlopen(3) as they are. */
const keepLoaded = 0x1000

/** Loads a library (a path, or a soname for the linker to find) for good. Throws the linker's message if it cannot. */
export function loadLibrary(library: string): void {
  try {
    process.dlopen({ exports: {} }, library, os.constants.dlopen.RTLD_NOW | keepLoaded)
  } catch (error) {
    // Node finds no addon in it and closes it again, but "keep loaded" makes closing do nothing.
    if (error instanceof Error && error.message.includes('did not self-register')) return
    throw error
  }
}
