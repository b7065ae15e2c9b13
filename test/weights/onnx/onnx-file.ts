/** Writes ONNX files with protobufjs' reflection, from plain objects: independent of how src/weights/onnx reads them. */
import protobuf from 'protobufjs'

/** The messages of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, as far as tests need them. */
const schema = `
  syntax = "proto2";
  message ModelProto {
    optional int64 ir_version = 1;
    optional string producer_name = 2;
    optional GraphProto graph = 7;
    repeated OperatorSetIdProto opset_import = 8;
    repeated StringStringEntryProto metadata_props = 14;
  }
  message OperatorSetIdProto { optional string domain = 1; optional int64 version = 2; }
  message StringStringEntryProto { optional string key = 1; optional string value = 2; }
  message GraphProto {
    repeated NodeProto node = 1;
    optional string name = 2;
    repeated TensorProto initializer = 5;
    optional string doc_string = 10;
    repeated ValueInfoProto input = 11;
    repeated ValueInfoProto output = 12;
    repeated ValueInfoProto value_info = 13;
    repeated SparseTensorProto sparse_initializer = 15;
  }
  message ValueInfoProto { optional string name = 1; optional TypeProto type = 2; }
  message TypeProto { optional TensorTypeProto tensor_type = 1; }
  message TensorTypeProto { optional int32 elem_type = 1; optional TensorShapeProto shape = 2; }
  message TensorShapeProto { repeated DimensionProto dim = 1; }
  message DimensionProto { optional int64 dim_value = 1; }
  message SparseTensorProto { optional TensorProto values = 1; }
  message NodeProto {
    repeated string input = 1;
    repeated string output = 2;
    optional string name = 3;
    optional string op_type = 4;
    repeated AttributeProto attribute = 5;
    optional string doc_string = 6;
    optional string domain = 7;
  }
  message AttributeProto {
    optional string name = 1;
    optional float f = 2;
    optional int64 i = 3;
    optional bytes s = 4;
    optional TensorProto t = 5;
    optional GraphProto g = 6;
    repeated float floats = 7 [packed = false];
    repeated int64 ints = 8 [packed = false];
    optional int32 type = 20;
  }
  message TensorProto {
    repeated int64 dims = 1 [packed = false];
    optional int32 data_type = 2;
    optional Segment segment = 3;
    repeated float float_data = 4 [packed = true];
    repeated int32 int32_data = 5 [packed = true];
    repeated int64 int64_data = 7 [packed = true];
    optional string name = 8;
    optional bytes raw_data = 9;
    repeated double double_data = 10 [packed = true];
    repeated StringStringEntryProto external_data = 13;
    optional int32 data_location = 14;
  }
  message Segment { optional int64 begin = 1; optional int64 end = 2; }
`

const modelType = (source: string) => protobuf.parse(source, { keepCase: true }).root.lookupType('ModelProto')

/** By whether repeated numbers are packed: those of tensors' data, as all exporters do it; all of them; none. */
const modelTypes = {
  data: modelType(schema),
  all: modelType(schema.replaceAll('packed = false', 'packed = true')),
  none: modelType(schema.replaceAll('packed = true', 'packed = false')),
}

export interface RawTensor {
  readonly name: string
  readonly dims: readonly number[]
  readonly data_type?: number
  readonly raw_data?: Uint8Array
  readonly [field: string]: unknown
}

export interface RawNode {
  readonly op_type: string
  readonly input: readonly string[]
  readonly output: readonly string[]
  readonly attribute?: readonly object[]
  readonly [field: string]: unknown
}

export interface RawGraph {
  readonly node: readonly RawNode[]
  readonly initializer: readonly RawTensor[]
  readonly [field: string]: unknown
}

/** The bytes of a model with a graph. */
export function encodeModel(
  graph: RawGraph,
  others: object = {},
  packed: keyof typeof modelTypes = 'data',
): Uint8Array<ArrayBuffer> {
  const type = modelTypes[packed]
  const message = type.fromObject({ ir_version: 7, producer_name: 'test', graph, ...others })
  return new Uint8Array(type.encode(message).finish())
}

/** A float32 tensor whose values count up from 1 in eighths. */
export function floatTensor(name: string, ...dims: number[]): RawTensor {
  const count = dims.reduce((product, size) => product * size, 1)
  const values = Float32Array.from({ length: count }, (_, i) => 1 + i / 8)
  return { name, dims, data_type: 1, raw_data: new Uint8Array(values.buffer) }
}

export function node(op_type: string, input: readonly string[], output: string, attributes: object = {}): RawNode {
  const attribute = Object.entries(attributes).map(([name, value]: [string, unknown]) => {
    if (Array.isArray(value)) return { name, type: 7, ints: value as number[] }
    if (typeof value === 'string') return { name, type: 3, s: new TextEncoder().encode(value) }
    return Number.isInteger(value) ? { name, type: 2, i: value as number } : { name, type: 1, f: value as number }
  })
  return { op_type, input, output: [output], attribute }
}
