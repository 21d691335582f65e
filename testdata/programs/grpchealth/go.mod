module connectrpc.com/grpchealth

go 1.26.3
