package visible

import "io"

// Writer returns a writer that passes everything through Text before it writes to out. A character must not be split
// between two writes.
func Writer(out io.Writer) io.Writer { return writer{out} }

type writer struct{ out io.Writer }

func (w writer) Write(text []byte) (int, error) {
	if _, err := io.WriteString(w.out, Text(string(text))); err != nil {
		return 0, err
	}
	return len(text), nil
}
