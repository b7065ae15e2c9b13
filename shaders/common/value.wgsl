// What one invocation works on at a time: one element of its arrays, or four neighbours, which many adapters load and store
// as fast as one. The arrays' elements are Values, or their like in f16, and sizes count Values.

#if ${vectors}
alias Value = vec4<f32>;
alias Index = vec4<u32>;
alias Flag = vec4<bool>;
#else
alias Value = f32;
alias Index = u32;
alias Flag = bool;
#endif
