package open_test

import (
	"os"
	"testing"

	"github.com/datasetmix/datasetmix/internal/testing/stores"
)

var servers = stores.Objects("../../../hack/stores")

func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }
