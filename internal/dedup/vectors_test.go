package dedup

// What the published hashes are, computed once.
const (
	gramA    uint64 = 0xd17bf8df84f26f39
	gramAB   uint64 = 0xf100c12d3a2abd58
	gramBC   uint64 = 0x53f745968a422adb
	gramLong uint64 = 0xac25a75987807465
)

var (
	foxSignature = Signature{0x10ac5ede, 0x2173b557, 0x2069ac5f, 0xbcaafa4, 0x8bbee79, 0x1b999d1a}
	foxBands     = []uint64{0xd09a3264d20b17de, 0xfb4a25b134374a9d}
)
