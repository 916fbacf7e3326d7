package cli

import (
	"crypto/tls"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Each setting of libpq works or is refused by name. None is ignored silently.
func TestLibpqSettings(t *testing.T) {
	user := ""
	if runtime.GOOS != "linux" {
		user = "Linux only"
	}
	for words, fault := range map[string]string{
		"connect_timeout=7":                                 "",
		"connect_timeout=0":                                 "would wait without a limit",
		"connect_timeout=-1":                                "connect_timeout",
		"keepalives=0":                                      "",
		"keepalives=1&keepalives_idle=30":                   "",
		"keepalives_interval=3&keepalives_count=2":          "",
		"keepalives_idle=x":                                 "keepalives_idle must be an integer",
		"keepalives_count=-1":                               "keepalives_count must be an integer",
		"tcp_user_timeout=5000":                             user,
		"tcp_user_timeout=5s":                               "tcp_user_timeout must be an integer",
		"tcp_user_timeout=99999999999":                      "tcp_user_timeout must be an integer",
		"channel_binding=disable":                           "",
		"channel_binding=maybe":                             "channel_binding is unknown",
		"gssencmode=disable":                                "",
		"gssencmode=prefer":                                 "",
		"gssencmode=require":                                "gssencmode is not supported",
		"gsslib=gssapi":                                     "gsslib is not supported",
		"gssdelegation=1":                                   "gssdelegation is not supported",
		"requirepeer=postgres":                              "requirepeer is not supported",
		"hostaddr=127.0.0.1":                                "hostaddr is not supported",
		"load_balance_hosts=disable":                        "",
		"load_balance_hosts=random":                         "load_balance_hosts is not supported",
		"sslcrl=/x.crl":                                     "sslcrl is not supported",
		"sslcrldir=/x":                                      "sslcrldir is not supported",
		"sslkeylogfile=/x":                                  "sslkeylogfile is not supported",
		"sslcompression=0":                                  "",
		"sslcompression=1":                                  "sslcompression is not supported",
		"ssl_min_protocol_version=TLSv1.3":                  "",
		"ssl_max_protocol_version=TLSv1.2":                  "",
		"ssl_min_protocol_version=SSLv3":                    "ssl_min_protocol_version must be",
		"ssl_max_protocol_version=TLSv1.1":                  "ssl_max_protocol_version is below",
		"replication=database":                              "replication is not supported",
		"replication=true":                                  "replication is not supported",
		"options=-c%20geqo%3Doff":                           "",
		"application_name=nightly":                          "",
		"fallback_application_name=nightly":                 "",
		"target_session_attrs=read-write":                   "",
		"target_session_attrs=best":                         "target_session_attrs is unknown",
		"min_protocol_version=3.0&max_protocol_version=3.2": "",
		"min_protocol_version=2":                            "min_protocol_version is unknown",
		"require_auth=scram-sha-256":                        "",
		"require_auth=guess":                                "require_auth is unknown",
		"sslnegotiation=postgres":                           "",
		"oauth_issuer=x":                                    "oauth_issuer is not supported",
		"servise=x":                                         "did you mean service",
	} {
		for _, text := range []string{"postgres://h/d?" + words, "host=h dbname=d " + strings.ReplaceAll(strings.ReplaceAll(words, "&", " "), "-c%20geqo%3Doff", "'-c geqo=off'")} {
			_, err := connection{url: text, source: "--database-url"}.parse()
			switch {
			case fault == "" && err != nil:
				t.Errorf("%s: %v", text, err)
			case fault != "" && (err == nil || !strings.Contains(err.Error(), fault)):
				t.Errorf("%s: got %v, want %q", text, err, fault)
			}
		}
	}
}

// Environment variables that libpq reads and pgx does not.
func TestReadsLibpqVariables(t *testing.T) {
	for name, value := range map[string]string{
		"PGREQUIREPEER": "postgres", "PGSSLCRL": "/x", "PGGSSENCMODE": "require", "PGHOSTADDR": "127.0.0.1", "PGLOADBALANCEHOSTS": "random",
		"PGSSLMINPROTOCOLVERSION": "SSLv3",
	} {
		env := func(asked string) string { return map[string]string{name: value}[asked] }
		c := connection{url: "postgres://h/d"}.resolve(env)
		if _, err := c.parse(); err == nil {
			t.Errorf("%s=%s is left out in silence", name, value)
		}
	}
}

// Settings reach the connection.
func TestLibpqSettingsReachConnection(t *testing.T) {
	config, err := connection{url: "postgres://h/d?sslmode=prefer&ssl_min_protocol_version=TLSv1.3&fallback_application_name=nightly&options=-c%20geqo%3Doff"}.parse()
	if err != nil {
		t.Fatal(err)
	}
	c := config.ConnConfig
	if c.TLSConfig.MinVersion != tls.VersionTLS13 || c.RuntimeParams["application_name"] != "nightly" || c.RuntimeParams["options"] != "-c geqo=off" || len(c.RuntimeParams) != 2 {
		t.Errorf("got %+v, %v", c.TLSConfig, c.RuntimeParams)
	}
	for words, want := range map[string]socketOptions{
		"":              {keepalives: true, idle: keepIdle, interval: keepInterval, count: keepCount},
		"keepalives=0":  {idle: keepIdle, interval: keepInterval, count: keepCount},
		"idle,interval": {keepalives: true, idle: 7 * time.Second, interval: 3 * time.Second, count: 2},
	} {
		given := map[string]string{}
		switch words {
		case "keepalives=0":
			given["keepalives"] = "0"
		case "idle,interval":
			given = map[string]string{"keepalives_idle": "7", "keepalives_interval": "3", "keepalives_count": "2"}
		}
		if got, fault := parseSocketOptions(given); got != want || fault != "" {
			t.Errorf("%s: got %+v, %s", words, got, fault)
		}
	}
}
