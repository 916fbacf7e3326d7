// Package server finds, downloads and runs throw-away PostgreSQL servers, for the demo, the benchmark and the tests.
// It is not for data that matters: authentication is trust, and the data directory is removed with the server.
//
// A server never outlives the program that started it, however that program ends. On Unix a small watchdog process
// waits until its pipe closes, then ends the server and removes its directory. On Windows a job object ends the server
// with the program; only Stop removes the data directory, so a killed program leaves it in the temporary directory.
//
// While a server runs, every local user can connect to its loopback port as superuser.
package server
