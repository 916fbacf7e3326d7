package message

import "fmt"

// Counted writes a number with its noun, in the singular for 1.
func Counted[N int | int64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
