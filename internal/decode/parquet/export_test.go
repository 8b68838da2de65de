package parquet

// What the tests from outside, which read files through decode, need of the inside.
const FooterTail = footerTail

var (
	PageCodecs  = pageCodecs
	AllocatedBy = allocatedBy
	ReadFooter  = readFooter
	FooterParts = footerParts
	TrimFooter  = trimFooter
)
