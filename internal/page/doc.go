// Package page serves a run to a browser and to Prometheus: one page from the binary, which draws what the server folds,
// and four requests that control the run. It listens on the loopback address, and every answer with data needs a token.
package page
