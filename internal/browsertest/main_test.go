package browsertest_test

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/browsertest"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

func TestMain(m *testing.M) { servertest.Main(m, browsertest.Stop) }
