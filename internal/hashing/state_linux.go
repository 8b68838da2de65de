package hashing

import (
	"io/fs"
	"syscall"
)

func stateOf(info fs.FileInfo) (state, bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return state{}, false
	}
	return state{stat.Dev, stat.Ino, stat.Size, stat.Mtim.Nano(), stat.Ctim.Nano()}, true
}
