// Package mix is the arithmetic of a mix: integers in, integers out, nothing of the world.
//
//   - Apportion divides a total by shares, exactly (largest remainder; a tie goes to the later entry).
//   - Key gives a row its place in an order: a published keyed hash of what the row says, never of where it lies.
//   - Cut, and Cutter as the groups come, divides an order of groups into splits without cutting a group.
//   - Largest, Smallest and Proportional give the balanced pools of a domain.
//   - Shape.Allot, SmallestPool, NoRepeat and Limit give the rows of every data set for a total, and the totals, with shares
//     that are measured in rows or in bytes or tokens.
//   - Draws says which row each occurrence of a data set is, in passes or with replacement.
//   - Deal divides the rows of a mix among shards.
//   - Shuffled and Interleaved weave the rows of several data sets into one order.
//
// The rules of ties. Callers pass splits in the order of declaration, so the later declared split wins a tie; they pass
// domains and data sets sorted by name, so the name that sorts last does, and their order in a manifest means nothing.
//
// The package imports the standard library alone: no clock, no random source, no log, no map order.
package mix
