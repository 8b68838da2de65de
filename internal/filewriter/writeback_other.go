//go:build !linux

package filewriter

import "os"

// beginWriteback is a hint that other systems do not have.
func beginWriteback(*os.File, int64, int64) {}
