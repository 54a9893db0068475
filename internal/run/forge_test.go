package run

import (
	"slices"

	"switchyard/internal/parquet"
	"switchyard/internal/parquet/forge"
)

// forgedLost is an honest table of two lost intervals, to be spoiled.
func forgedLost() forge.Table {
	return forge.Table{Columns: slices.Clone(lostColumns[:]), Rows: 2,
		Groups: []forge.Group{{Rows: 2, Codec: forge.Zstd, Pages: [][]forge.Page{
			{forge.Int32s(0, 1)}, {forge.Int64s(10, 20)}, {forge.Int64s(11, 22)},
			{forge.Int64s(3, 4)},
		}}}}
}

// forgedEvents is an honest table of one switch, whose pages are not compressed: what a fuzzer
// makes of it reaches the decoders.
func forgedEvents() forge.Table {
	t := forge.Table{Columns: slices.Clone(eventColumns[:]), Rows: 1}
	g := forge.Group{Rows: 1, Codec: forge.Zstd}
	for _, c := range t.Columns {
		var p forge.Page
		switch c.Physical {
		case parquet.Int32s:
			p = forge.Int32s(0)
		case parquet.Int64s:
			p = forge.Int64s(0)
		case parquet.Blobs:
			g.Pages = append(g.Pages, []forge.Page{forge.Texts("switch"),
				forge.Plain(parquet.Dictionary, 1, []byte{1, 2, 0})})
			continue
		}
		if c.Optional {
			p = forge.Optional(p)
		}
		g.Pages = append(g.Pages, []forge.Page{p})
	}
	t.Groups = []forge.Group{g}
	return t
}
