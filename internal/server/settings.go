package server

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// defaultsVariable, set to anything, leaves jit as the server has it: on, from its packages.
const defaultsVariable = "REKEY_PG_DEFAULTS"

// settings gives what a server runs with. The memory is modest since several run at once on a small
// machine; jit is off since it makes the many short queries of the tests on the catalogues slow.
func (o Options) settings(port int, socketDir string) map[string]string {
	all := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"port":                    strconv.Itoa(port),
		"unix_socket_directories": socketDir,
		"shared_buffers":          "64MB",
		"max_connections":         "60",
		"jit":                     "off",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
	}
	if !o.Durable {
		maps.Copy(all, map[string]string{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"})
	}
	if os.Getenv(defaultsVariable) != "" {
		delete(all, "jit")
	}
	maps.Copy(all, o.Settings)
	return all
}

// configuration writes settings as a postgresql.conf.
func configuration(settings map[string]string) (string, error) {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		value := settings[name]
		if !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`).MatchString(name) || strings.ContainsAny(value, "\n\r\x00") {
			return "", fmt.Errorf("setting %q = %q cannot be written into postgresql.conf", name, value)
		}
		quoted := strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(value)
		fmt.Fprintf(&text, "%s = '%s'\n", name, quoted)
	}
	return text.String(), nil
}
