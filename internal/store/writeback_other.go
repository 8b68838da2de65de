//go:build !linux

package store

import "os"

// beginWriteback is a hint that other systems do not have.
func beginWriteback(*os.File, int64, int64) {}
