// Written by `npm run generate:proto`; do not edit.

/** The messages and services of the envelope, as proto-loader reads them. */
export const ENVELOPE_SCHEMA = {
  nested: {
    yandex: {
      nested: {
        cloud: {
          nested: {
            operation: {
              nested: {
                OperationService: {
                  methods: {
                    Get: { requestType: 'GetOperationRequest', responseType: 'Operation', comment: '' },
                    Cancel: { requestType: 'CancelOperationRequest', responseType: 'Operation', comment: '' },
                  },
                },
                GetOperationRequest: { fields: { operationId: { type: 'string', id: 1 } } },
                CancelOperationRequest: { fields: { operationId: { type: 'string', id: 1 } } },
                Operation: {
                  oneofs: { result: { oneof: ['error', 'response'] } },
                  fields: {
                    id: { type: 'string', id: 1 },
                    description: { type: 'string', id: 2 },
                    createdAt: { type: 'google.protobuf.Timestamp', id: 3 },
                    createdBy: { type: 'string', id: 4 },
                    modifiedAt: { type: 'google.protobuf.Timestamp', id: 5 },
                    done: { type: 'bool', id: 6 },
                    metadata: { type: 'google.protobuf.Any', id: 7 },
                    error: { type: 'google.rpc.Status', id: 8 },
                    response: { type: 'google.protobuf.Any', id: 9 },
                  },
                },
              },
            },
            endpoint: {
              nested: {
                ApiEndpointService: {
                  methods: {
                    List: {
                      requestType: 'ListApiEndpointsRequest',
                      responseType: 'ListApiEndpointsResponse',
                      comment: '',
                    },
                  },
                },
                ListApiEndpointsRequest: {
                  fields: { pageSize: { type: 'int64', id: 1 }, pageToken: { type: 'string', id: 2 } },
                },
                ListApiEndpointsResponse: {
                  fields: {
                    endpoints: { rule: 'repeated', type: 'ApiEndpoint', id: 1 },
                    nextPageToken: { type: 'string', id: 2 },
                  },
                },
                ApiEndpoint: { fields: { id: { type: 'string', id: 1 }, address: { type: 'string', id: 2 } } },
              },
            },
            iam: {
              nested: {
                v1: {
                  nested: {
                    IamTokenService: {
                      methods: {
                        Create: {
                          requestType: 'CreateIamTokenRequest',
                          responseType: 'CreateIamTokenResponse',
                          comment: '',
                        },
                      },
                    },
                    CreateIamTokenRequest: {
                      oneofs: { identity: { oneof: ['jwt'] } },
                      fields: { jwt: { type: 'string', id: 2 } },
                    },
                    CreateIamTokenResponse: {
                      fields: {
                        iamToken: { type: 'string', id: 1 },
                        expiresAt: { type: 'google.protobuf.Timestamp', id: 2 },
                      },
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
    nebius: {
      nested: {
        common: {
          nested: {
            v1: {
              nested: {
                OperationService: {
                  methods: { Get: { requestType: 'GetOperationRequest', responseType: 'Operation', comment: '' } },
                },
                GetOperationRequest: { fields: { id: { type: 'string', id: 1 } } },
                Operation: {
                  fields: {
                    id: { type: 'string', id: 1 },
                    description: { type: 'string', id: 2 },
                    createdAt: { type: 'google.protobuf.Timestamp', id: 3 },
                    createdBy: { type: 'string', id: 4 },
                    finishedAt: { type: 'google.protobuf.Timestamp', id: 5 },
                    request: { type: 'google.protobuf.Any', id: 6 },
                    resourceId: { type: 'string', id: 7 },
                    progressData: { type: 'google.protobuf.Any', id: 9 },
                    status: { type: 'google.rpc.Status', id: 10 },
                    progressTracker: { type: 'ProgressTracker', id: 12 },
                  },
                },
                ProgressTracker: {
                  fields: {
                    description: { type: 'string', id: 1 },
                    workDone: { type: 'WorkDone', id: 10 },
                    steps: { rule: 'repeated', type: 'Step', id: 20 },
                  },
                  nested: {
                    WorkDone: {
                      fields: { totalTickCount: { type: 'int64', id: 1 }, doneTickCount: { type: 'int64', id: 2 } },
                    },
                    Step: {
                      fields: {
                        description: { type: 'string', id: 1 },
                        finishedAt: { type: 'google.protobuf.Timestamp', id: 4 },
                        workDone: { type: 'WorkDone', id: 10 },
                      },
                    },
                  },
                },
              },
            },
          },
        },
        iam: {
          nested: {
            v1: {
              nested: {
                TokenExchangeService: {
                  methods: {
                    Exchange: { requestType: 'ExchangeTokenRequest', responseType: 'CreateTokenResponse', comment: '' },
                  },
                },
                ExchangeTokenRequest: {
                  fields: {
                    grantType: { type: 'string', id: 1 },
                    requestedTokenType: { type: 'string', id: 2 },
                    subjectToken: { type: 'string', id: 3 },
                    subjectTokenType: { type: 'string', id: 4 },
                  },
                },
                CreateTokenResponse: {
                  fields: {
                    accessToken: { type: 'string', id: 1 },
                    issuedTokenType: { type: 'string', id: 2 },
                    tokenType: { type: 'string', id: 3 },
                    expiresIn: { type: 'int64', id: 4 },
                  },
                },
              },
            },
          },
        },
      },
    },
    temporal: {
      nested: {
        api: {
          nested: {
            cloud: {
              nested: {
                cloudservice: {
                  nested: {
                    v1: {
                      nested: {
                        CloudService: {
                          methods: {
                            GetAsyncOperation: {
                              requestType: 'GetAsyncOperationRequest',
                              responseType: 'GetAsyncOperationResponse',
                              comment: '',
                            },
                          },
                        },
                        GetAsyncOperationRequest: { fields: { asyncOperationId: { type: 'string', id: 1 } } },
                        GetAsyncOperationResponse: {
                          fields: { asyncOperation: { type: 'temporal.api.cloud.operation.v1.AsyncOperation', id: 1 } },
                        },
                      },
                    },
                  },
                },
                operation: {
                  nested: {
                    v1: {
                      nested: {
                        AsyncOperation: {
                          fields: {
                            id: { type: 'string', id: 1 },
                            stateDeprecated: { type: 'string', id: 2 },
                            checkDuration: { type: 'google.protobuf.Duration', id: 3 },
                            operationType: { type: 'string', id: 4 },
                            operationInput: { type: 'google.protobuf.Any', id: 5 },
                            failureReason: { type: 'string', id: 6 },
                            startedTime: { type: 'google.protobuf.Timestamp', id: 7 },
                            finishedTime: { type: 'google.protobuf.Timestamp', id: 8 },
                            state: { type: 'State', id: 9 },
                          },
                          nested: {
                            State: {
                              values: {
                                STATE_UNSPECIFIED: 0,
                                STATE_PENDING: 1,
                                STATE_IN_PROGRESS: 2,
                                STATE_FAILED: 3,
                                STATE_CANCELLED: 4,
                                STATE_FULFILLED: 5,
                                STATE_REJECTED: 6,
                              },
                            },
                          },
                        },
                      },
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
    google: {
      nested: {
        protobuf: {
          nested: {
            Any: { fields: { type_url: { type: 'string', id: 1 }, value: { type: 'bytes', id: 2 } } },
            Timestamp: { fields: { seconds: { type: 'int64', id: 1 }, nanos: { type: 'int32', id: 2 } } },
            Empty: { fields: {} },
            Duration: { fields: { seconds: { type: 'int64', id: 1 }, nanos: { type: 'int32', id: 2 } } },
          },
        },
        rpc: {
          nested: {
            Status: {
              fields: {
                code: { type: 'int32', id: 1 },
                message: { type: 'string', id: 2 },
                details: { rule: 'repeated', type: 'google.protobuf.Any', id: 3 },
              },
            },
          },
        },
        longrunning: {
          nested: {
            Operations: {
              methods: {
                GetOperation: { requestType: 'GetOperationRequest', responseType: 'Operation', comment: '' },
                CancelOperation: {
                  requestType: 'CancelOperationRequest',
                  responseType: 'google.protobuf.Empty',
                  comment: '',
                },
              },
            },
            Operation: {
              oneofs: { result: { oneof: ['error', 'response'] } },
              fields: {
                name: { type: 'string', id: 1 },
                metadata: { type: 'google.protobuf.Any', id: 2 },
                done: { type: 'bool', id: 3 },
                error: { type: 'google.rpc.Status', id: 4 },
                response: { type: 'google.protobuf.Any', id: 5 },
              },
            },
            GetOperationRequest: { fields: { name: { type: 'string', id: 1 } } },
            CancelOperationRequest: { fields: { name: { type: 'string', id: 1 } } },
          },
        },
      },
    },
  },
};
