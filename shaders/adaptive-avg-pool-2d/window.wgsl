// Adaptive windows along one dimension, PyTorch's rule: window i of `outputs` covers the inputs from
// floor(i * inputs / outputs) to ceil((i + 1) * inputs / outputs), the latter excluded; neighbours may share an input.

fn windowAlong(number: u32, inputs: u32, outputs: u32) -> vec2<u32> {
  return vec2<u32>(number * inputs / outputs, ((number + 1u) * inputs + outputs - 1u) / outputs);
}

// The windows [x, y) that cover one input: the same rule with inputs and outputs exchanged, because
// floor(i * inputs / outputs) <= input is i < (input + 1) * outputs / inputs, and likewise for the other end.
fn windowsOver(input: u32, inputs: u32, outputs: u32) -> vec2<u32> {
  return windowAlong(input, outputs, inputs);
}
