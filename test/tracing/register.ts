// Loaded before anything that uses gRPC, as the instrumentation requires.
import { GrpcInstrumentation } from '@opentelemetry/instrumentation-grpc';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

export const exporter = new InMemorySpanExporter();
export const spanProcessor = new SimpleSpanProcessor(exporter);
export const provider = new NodeTracerProvider({ spanProcessors: [spanProcessor] });
provider.register();

new GrpcInstrumentation().setTracerProvider(provider);
