package main

import (
	"os"
	"strings"
	"testing"
)

// TestPicturesAreSmallAndUsed checks the size of the pictures in the repository, and that a document shows each of them.
func TestPicturesAreSmallAndUsed(t *testing.T) {
	if err := checkSize("../pictures"); err != nil {
		t.Error(err)
	}
	var documents strings.Builder
	for _, name := range []string{"../../README.md", "../how-to/page.md", "../how-to/watch.md", "../how-to/report.md"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		documents.Write(text)
	}
	files, err := os.ReadDir("../pictures")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.Contains(documents.String(), "pictures/"+f.Name()) {
			t.Errorf("no document shows %s", f.Name())
		}
	}
}
