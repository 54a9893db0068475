package words

import "strings"

// Shell is a file's name as a command is given it: in quotes where a shell would make something
// else of it.
func Shell(name string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+:,%@=#-"
	if strings.HasPrefix(name, "-") || strings.HasPrefix(name, "#") {
		name = "./" + name
	}
	if name != "" && strings.Trim(name, plain) == "" {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}
