#compdef cintctl
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# zsh completion for cintctl(8)

_cintctl_controllers() {
	local -a names
	names=(${(f)"$(cintctl complete controllers 2>/dev/null)"})
	[[ $1 != set ]] || names+=(all)
	compadd -a names
}

# What was given before: the controller is the first word after "set".
_cintctl_assignment() {
	local -a names
	local controller=$1
	if compset -P '*='; then
		names=(${(f)"$(cintctl complete values $controller ${IPREFIX%=} 2>/dev/null)"})
		compadd -a names
	else
		names=(${(f)"$(cintctl complete parameters $controller 2>/dev/null)"})
		compadd -S = -a names
	fi
}

_cintctl() {
	local context state line ret=1
	local -A opt_args
	local -a commands
	commands=(
		'list:the controllers, one a line'
		'show:parameters, their ranges, and counters'
		'support:what works here, and why something does not'
		'set:change parameters, all of them or none'
		'off:coalesce no longer'
		'save:write the parameters to the configuration file'
		'restore:set them from there'
		'watch:counters, again and again'
	)
	_arguments -C \
		'(-n --dry-run)'{-n,--dry-run}'[check, but change nothing]' \
		'(-j --json)'{-j,--json}'[print JSON]' \
		'(-q --quiet)'{-q,--quiet}'[say only what goes wrong]' \
		'(-o --once)'{-o,--once}'[leave alone what has been set]' \
		'(-f --file)'{-f,--file}'[configuration file]:file:_files' \
		'(-i --interval)'{-i,--interval}'[seconds between counters]:seconds:' \
		'(-c --count)'{-c,--count}'[number of intervals]:number:' \
		'(-V --version)'{-V,--version}'[print the version]' \
		'(-h --help)'{-h,--help}'[print help]' \
		'1: :->command' '*:: :->argument' && ret=0
	case $state in
	command) _describe -t commands command commands && ret=0 ;;
	argument)
		case $words[1] in
		list) ;;
		set)
			if (( CURRENT == 2 )); then
				_cintctl_controllers set && ret=0
			else
				_cintctl_assignment $words[2] && ret=0
			fi
			;;
		*) _cintctl_controllers && ret=0 ;;
		esac
		;;
	esac
	return ret
}

_cintctl "$@"
