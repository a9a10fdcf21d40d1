# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# bash completion for cintctl(8)

_cintctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local command= controller= parameter= words= word i
	local all="list show support set off save restore watch"

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		-f|--file|-i|--interval|-c|--count) ((i++)) ;;
		-*) ;;
		*)
			if [[ -z $command ]]; then
				command=$word
			elif [[ -z $controller ]]; then
				controller=$word
			fi
			;;
		esac
	done

	case $prev in
	-f|--file)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	-i|--interval|-c|--count)
		return
		;;
	esac

	# "mode=cint" comes as "mode", "=", "cint" where = breaks words.
	if [[ $command == set && -n $controller ]]; then
		if [[ $cur == '=' ]]; then
			parameter=$prev
			cur=
		elif [[ $prev == '=' ]]; then
			parameter=${COMP_WORDS[COMP_CWORD - 2]}
		fi
		if [[ -n $parameter ]]; then
			words=$("${COMP_WORDS[0]}" complete values "$controller" "$parameter" 2>/dev/null)
			mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
			return
		fi
	fi

	if [[ $cur == -* ]]; then
		words="--dry-run --json --quiet --once --file --interval --count --version --help"
	elif [[ -z $command ]]; then
		words=$all
	elif [[ $command == set && -n $controller ]]; then
		compopt -o nospace 2>/dev/null
		for word in $("${COMP_WORDS[0]}" complete parameters "$controller" 2>/dev/null); do
			words+="$word= "
		done
	elif [[ " $all " == *" $command "* && $command != list ]]; then
		words=$("${COMP_WORDS[0]}" complete controllers 2>/dev/null)
		[[ $command != set ]] || words+=" all"
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _cintctl cintctl
