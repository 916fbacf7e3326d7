package rekey

// ProgressOf is for tests of frames.
var ProgressOf = progressOf //nolint:gochecknoglobals // a function
