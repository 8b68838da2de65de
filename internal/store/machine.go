package store

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"regexp"
	"sync"
)

// thisMachine tells this machine, since it was started, from any other. It is in the names of what is being written.
var thisMachine = sync.OnceValue(func() string {
	started, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		name, _ := os.Hostname() // of no machine that can be identified: all of those count as one
		started = []byte(name)
	}
	sum := sha256.Sum256(started)
	return hex.EncodeToString(sum[:4])
})

var ofMachine = regexp.MustCompile(`-([0-9a-f]{8})-[0-9A-Z]+$`)

// here reports whether this machine made the folder with a name. A name without a machine, of an earlier release, counts as made here.
func here(name string) bool {
	of := ofMachine.FindStringSubmatch(name)
	return of == nil || of[1] == thisMachine()
}
