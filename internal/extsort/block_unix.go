//go:build unix

package extsort

import "syscall"

// newBlock takes memory for records from the system, outside of Go's heap: it holds no pointers, and in the heap the collector
// would let as much garbage stand next to it again before it begins to work.
func newBlock() []byte {
	block, err := syscall.Mmap(-1, 0, blockSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil { // the address space is bounded, or there are too many mappings
		return make([]byte, 0, blockSize)
	}
	return block[:0]
}

// freeBlock releases a block of newBlock, which may not be used any more.
func freeBlock(block []byte) {
	_ = syscall.Munmap(block[:blockSize]) // which refuses what is of the heap, and that goes by itself
}
