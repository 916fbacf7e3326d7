// Package server finds, fetches and runs throw-away PostgreSQL servers, for the demo, the benchmark
// and the tests. Nothing here is for data that matters: authentication is trust, and the data
// directory goes when the server does.
//
// A server never outlives the program that started it, however that ends. On Unix a small watchdog
// process waits for its pipe to close, then ends the server and removes its directory. On Windows a
// job object ends the server with the program; the data directory is removed by Stop only, so a
// program killed there leaves it in the temporary directory.
//
// While a server runs, every local user can reach it on its loopback port as superuser.
package server
