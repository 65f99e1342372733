import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** OTLP's messages, as far as an agent sends them, in the language of protoc. */
const SCHEMA = `
syntax = "proto3";
message Request { repeated ResourceMetrics resource_metrics = 1; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeMetrics { Scope scope = 1; repeated Metric metrics = 2; }
message Scope { string name = 1; string version = 2; }
message Metric {
  string name = 1; string description = 2; string unit = 3;
  oneof data { Gauge gauge = 5; Sum sum = 7; }
}
message Gauge { repeated NumberDataPoint data_points = 1; }
message Sum {
  repeated NumberDataPoint data_points = 1;
  AggregationTemporality aggregation_temporality = 2; bool is_monotonic = 3;
}
enum AggregationTemporality { UNSPECIFIED = 0; DELTA = 1; CUMULATIVE = 2; }
message NumberDataPoint {
  fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
  oneof value { double as_double = 4; sfixed64 as_int = 6; }
  repeated KeyValue attributes = 7;
}
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value { string string_value = 1; } }
`;

/** A request as protoc reads it. */
export async function readOtlp(request: Buffer): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'cullinan-protoc-'));
  try {
    writeFileSync(join(folder, 'otlp.proto'), SCHEMA);
    const child = spawn('/usr/bin/protoc', ['--decode=Request', 'otlp.proto'], {
      cwd: folder,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(child, 'close');
    child.stdin.end(request);
    const text = (await child.stdout.setEncoding('utf8').toArray()).join('');
    const [code] = await ended;
    if (code !== 0) throw new Error(`protoc cannot read it (${code})`);
    return text;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
