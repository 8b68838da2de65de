package transport

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTimeoutDefaults(t *testing.T) {
	if diff := cmp.Diff(Timeouts{10 * time.Second, time.Minute, time.Minute}, Timeouts{}.withDefaults()); diff != "" {
		t.Errorf("timeouts (-want +got):\n%s", diff)
	}
}
