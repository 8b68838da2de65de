//go:build !unix

package extsort

func newBlock() []byte { return make([]byte, 0, blockSize) }

func freeBlock([]byte) {}
