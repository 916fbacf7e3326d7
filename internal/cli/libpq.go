package cli

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// A connection string may contain settings of libpq. pgx supports most of them and would send any other to the server.
// Each setting either works or is refused; none is ignored silently.

// ignoredSettings returns settings that every transaction sets itself, so that the values of a connection string have
// no effect, and the pool settings of other programs.
func ignoredSettings() []string {
	return []string{
		"search_path", "timezone", "datestyle", "client_encoding", "statement_timeout", "lock_timeout",
		"idle_in_transaction_session_timeout", "pool_size", "pgbouncer",
	}
}

// limitedSettings returns settings with the values that are accepted because they have no effect.
func limitedSettings() map[string][]string {
	return map[string][]string{
		"gssencmode":         {"disable", "prefer"},
		"gssdelegation":      {"0"},
		"gsslib":             {},
		"load_balance_hosts": {"disable"},
		"sslcompression":     {"0"},
		"sslcrl":             {},
		"sslcrldir":          {},
		"requirepeer":        {},
		"hostaddr":           {},
		"replication":        {"false", "off", "no", "0"},
		"sslkeylogfile":      {},
		"scram_client_key":   {}, "scram_server_key": {},
		"oauth_issuer": {}, "oauth_client_id": {}, "oauth_client_secret": {}, "oauth_scope": {},
	}
}

// variables returns the environment variables of libpq that pgx does not read, with their settings.
func variables() map[string]string {
	return map[string]string{
		"PGHOSTADDR": "hostaddr", "PGREQUIREPEER": "requirepeer", "PGSSLCRL": "sslcrl", "PGSSLCRLDIR": "sslcrldir",
		"PGSSLCOMPRESSION": "sslcompression", "PGSSLMINPROTOCOLVERSION": "ssl_min_protocol_version",
		"PGSSLMAXPROTOCOLVERSION": "ssl_max_protocol_version", "PGGSSENCMODE": "gssencmode", "PGGSSLIB": "gsslib",
		"PGGSSDELEGATION": "gssdelegation", "PGLOADBALANCEHOSTS": "load_balance_hosts",
	}
}

// applyLibpq applies the settings of libpq in a connection string. It returns the fault of the first setting that it
// cannot apply.
func (c connection) applyLibpq(config *pgx.ConnConfig) string {
	given := map[string]string{}
	for name, of := range variables() {
		if value := c.variable(name); value != "" {
			given[of] = value
		}
	}
	for name, value := range config.RuntimeParams {
		given[strings.ToLower(name)] = value
	}
	for _, name := range sorted(given) {
		if fault := unknownSetting(name); fault != "" {
			return fault
		}
		if values, known := limitedSettings()[name]; known && !isAllowed(given[name], values) {
			return unsupportedSetting(name, values)
		}
	}
	if config.ConnectTimeout == 0 && c.hasNoTimeout() {
		return "connect_timeout=0 would wait without a limit; omit it for " + connectTimeout.String() + ", or set a number of seconds"
	}
	if fault := boundTLS(config, given); fault != "" {
		return fault
	}
	wire, fault := parseSocketOptions(given)
	if fault != "" {
		return fault
	}
	config.DialFunc = wire.dialer(config.ConnectTimeout)
	name := cmp.Or(given["application_name"], given["fallback_application_name"], "rekey")
	config.RuntimeParams = map[string]string{"application_name": name}
	if options := given["options"]; options != "" {
		config.RuntimeParams["options"] = options
	}
	return ""
}

func unsupportedSetting(name string, values []string) string {
	fault := name + " is not supported"
	if len(values) > 0 {
		fault += " with this value; use " + strings.Join(values, " or ")
	}
	return fault + "; omit it"
}

func isAllowed(value string, values []string) bool {
	for _, v := range values {
		if strings.EqualFold(v, value) {
			return true
		}
	}
	return value == ""
}

// hasNoTimeout reports whether the string sets connect_timeout to 0, which pgx treats as unset.
func (c connection) hasNoTimeout() bool {
	for _, word := range strings.FieldsFunc(c.url, func(r rune) bool { return r == '?' || r == '&' || r == ' ' }) {
		if name, value, found := strings.Cut(word, "="); found && strings.TrimSpace(name) == "connect_timeout" && strings.Trim(value, "' ") == "0" {
			return true
		}
	}
	return c.variable("PGCONNECT_TIMEOUT") == "0"
}

func (c connection) variable(name string) string {
	if c.getenv == nil {
		return ""
	}
	return c.getenv(name)
}

// boundTLS limits the versions of TLS.
func boundTLS(config *pgx.ConnConfig, given map[string]string) string {
	known := map[string]uint16{"tlsv1": tls.VersionTLS10, "tlsv1.1": tls.VersionTLS11, "tlsv1.2": tls.VersionTLS12, "tlsv1.3": tls.VersionTLS13}
	var least, most uint16
	for _, bound := range []struct {
		name string
		to   *uint16
	}{{"ssl_min_protocol_version", &least}, {"ssl_max_protocol_version", &most}} {
		value, there := given[bound.name]
		if !there || value == "" {
			continue
		}
		version, ok := known[strings.ToLower(value)]
		if !ok {
			return bound.name + " must be TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3"
		}
		*bound.to = version
	}
	if most != 0 && most < max(least, tls.VersionTLS12) && (least == 0 || most < least) {
		return "ssl_max_protocol_version is below the lowest version, TLSv1.2 where ssl_min_protocol_version names no other"
	}
	all := []*tls.Config{config.TLSConfig}
	for _, other := range config.Fallbacks {
		all = append(all, other.TLSConfig)
	}
	for _, one := range all {
		if one != nil && least != 0 {
			one.MinVersion = least
		}
		if one != nil && most != 0 {
			one.MaxVersion = most
		}
	}
	return ""
}

// socketOptions are the options by which TCP detects that the peer is gone.
type socketOptions struct {
	keepalives           bool
	idle, interval, user time.Duration
	count                int
}

// The default keepalives detect within half a minute that the peer is gone.
const (
	keepIdle     = 10 * time.Second
	keepInterval = 5 * time.Second
	keepCount    = 4
)

func parseSocketOptions(given map[string]string) (w socketOptions, fault string) {
	w = socketOptions{keepalives: true, idle: keepIdle, interval: keepInterval, count: keepCount}
	for _, name := range []string{"keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"} {
		value, there := given[name]
		if !there || value == "" {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || n < 0 || n > maxSocketOption {
			return w, fmt.Sprintf("%s must be an integer from 0 to %d", name, maxSocketOption)
		}
		switch {
		case name == "keepalives":
			w.keepalives = n != 0
		case n == 0: // the default, as in libpq
		case name == "keepalives_idle":
			w.idle = time.Duration(n) * time.Second
		case name == "keepalives_interval":
			w.interval = time.Duration(n) * time.Second
		case name == "keepalives_count":
			w.count = n
		case !canUserTimeout:
			return w, "tcp_user_timeout works on Linux only; omit it"
		default:
			w.user = time.Duration(n) * time.Millisecond
		}
	}
	return w, ""
}

// maxSocketOption is the largest value of a TCP option: a C int of milliseconds.
const maxSocketOption = 1<<31 - 1
