//! What operators match.

use super::{assert_malformed, assert_matches};

#[test]
fn comparison() {
    assert_matches(
        "{a:{$gt:1}}",
        &[
            "+{a:2}",
            "+{a:1.5}",
            "-{a:1}",
            "-{a:'2'}",
            "-{}",
            "-{a:null}",
            "+{a:[0,2]}",
            "-{a:true}",
        ],
    );
    assert_matches(
        "{a:{$gte:1,$lt:3}}",
        &["+{a:1}", "+{a:2.9}", "-{a:3}", "+{a:[0,5]}"],
    );
    assert_matches(
        "{a:{$lt:'b'}}",
        &["+{a:'a'}", "+{a:'B'}", "+{a:''}", "-{a:'b'}", "-{a:1}"],
    );
    assert_matches("{a:{$gte:null}}", &["+{a:null}", "+{}", "-{a:1}"]);
    assert_matches("{a:{$gt:null}}", &["-{a:null}", "-{}", "-{a:1}"]);
    assert_matches(
        "{a:{$gt:[1,2]}}",
        &[
            "+{a:[1,3]}",
            "+{a:[2]}",
            "-{a:[1,2]}",
            "-{a:5}",
            "+{a:[[1,3]]}",
        ],
    );
    assert_matches("{a:{$gt:false}}", &["+{a:true}", "-{a:1}"]);
    assert_matches(
        "{a:{$lt:ISODate('2017-05-24T22:35:33Z')}}",
        &["+{a:{$date:1495665332589}}", "-{a:1495665332589}"],
    );
    assert_matches(
        "{a:{$gte:{b:1}}}",
        &["+{a:{b:1}}", "+{a:{b:2}}", "-{a:{b:0}}", "-{a:1}"],
    );
    assert_matches("{a:{$gte:NaN}}", &["+{a:NaN}", "-{a:1}"]);
    assert_matches("{a:{$lt:5}}", &["-{a:NaN}", "+{a:-Infinity}"]);
    assert_matches("{a:{$gt:NaN}}", &["-{a:NaN}", "-{a:1}"]);
    assert_matches("{a:NaN}", &["+{a:NaN}", "-{a:1}"]);
    assert_matches(
        "{a:{$ne:1}}",
        &["+{a:2}", "+{}", "-{a:1}", "-{a:[2,1]}", "+{a:'1'}"],
    );
    assert_matches("{a:{$ne:null}}", &["+{a:2}", "-{}", "-{a:null}", "+{a:[]}"]);
    assert_matches(
        "{a:{$eq:{$oid:'5925a68def86951f895cf497'}}}",
        &["+{a:ObjectId('5925a68def86951f895cf497')}"],
    );
    assert_matches("{a:{$eq:{b:1}}}", &["+{a:{b:1}}"]);
}

#[test]
fn sets() {
    assert_matches(
        "{a:{$in:[1,'x',null]}}",
        &[
            "+{a:1.0}",
            "+{a:'x'}",
            "+{}",
            "+{a:null}",
            "-{a:2}",
            "+{a:[7,'x']}",
        ],
    );
    assert_matches(
        "{a:{$in:[/^x/i,5]}}",
        &["+{a:'Xy'}", "+{a:5}", "-{a:'yx'}", "+{a:['xx']}"],
    );
    assert_matches("{a:{$in:[]}}", &["-{}", "-{a:1}"]);
    assert_matches(
        "{a:{$in:[[1],{b:1}]}}",
        &["+{a:[1]}", "+{a:[[1]]}", "+{a:{b:1}}", "-{a:1}"],
    );
    assert_matches(
        "{a:{$nin:[1,null]}}",
        &["+{a:2}", "-{a:1}", "-{}", "-{a:[1,2]}", "+{a:[]}"],
    );
    assert_matches(
        "{a:{$in:[{$regex:'^x',$options:'i'}]}}",
        &["+{a:'X'}", "-{a:'y'}"],
    );
    assert_malformed("{a:{$in:1}}", "needs a list");
    assert_malformed("{a:{$nin:{b:1}}}", "needs a list");
    assert_malformed("{a:{$in:[{$gt:1}]}}", "cannot stand in this list");
}

#[test]
fn logic() {
    assert_matches("{$or:[{a:1},{b:2}]}", &["+{a:1}", "+{b:2}", "-{a:2}"]);
    assert_matches(
        "{$and:[{a:1},{b:2}],c:3}",
        &["+{a:1,b:2,c:3}", "-{a:1,b:2}", "-{a:1,c:3}"],
    );
    assert_matches("{$nor:[{a:1},{b:2}]}", &["+{}", "-{a:1}", "-{b:2}"]);
    assert_matches(
        "{a:{$not:{$gt:1}}}",
        &["+{}", "+{a:1}", "+{a:'x'}", "-{a:2}", "-{a:[0,2]}"],
    );
    assert_matches("{a:{$not:{$gt:1,$lt:5}}}", &["+{a:7}", "-{a:3}"]);
    assert_matches(
        "{a:{$not:/^x/}}",
        &["+{}", "+{a:'y'}", "-{a:'x'}", "+{a:1}"],
    );
    assert_matches(
        "{a:{$not:{$regex:'^X',$options:'i'}}}",
        &["-{a:'x'}", "+{a:'y'}"],
    );
    assert_matches("{a:{$not:{$not:{$gt:1}}}}", &["+{a:2}", "-{a:1}"]);
    for query in ["{$and:[]}", "{$or:{}}", "{$nor:[1]}", "{$or:[{},[]]}"] {
        assert_malformed(query, "needs a list of documents that is not empty");
    }
    for query in ["{a:{$not:1}}", "{a:{$not:{}}}", "{a:{$not:[]}}"] {
        assert_malformed(query, "$not needs");
    }
    assert_malformed("{a:{$not:{b:1}}}", "stands among operators");
}

#[test]
fn elements_and_types() {
    assert_matches("{a:{$exists:true}}", &["+{a:null}", "+{a:[]}", "-{}"]);
    assert_matches("{a:{$exists:false}}", &["-{a:null}", "+{}"]);
    assert_matches(
        "{'a.b':{$exists:true}}",
        &["+{a:[{b:1},{}]}", "-{a:[{}]}", "-{a:[]}"],
    );
    for truth in ["1", "'false'", "{}", "[]", "-1", "NaN"] {
        assert_matches(&format!("{{a:{{$exists:{truth}}}}}"), &["+{a:1}", "-{}"]);
    }
    for falsehood in ["0", "0.0", "null", "NumberLong(0)"] {
        assert_matches(
            &format!("{{a:{{$exists:{falsehood}}}}}"),
            &["-{a:1}", "+{}"],
        );
    }
    for name in ["'string'", "2", "2.0", "['string']", "['int',2]"] {
        assert_matches(
            &format!("{{a:{{$type:{name}}}}}"),
            &["+{a:'x'}", "-{a:true}", "+{a:[true,'x']}", "-{}"],
        );
    }
    assert_matches(
        "{a:{$type:'number'}}",
        &["+{a:1}", "+{a:1.5}", "+{a:5000000000}", "-{a:'1'}"],
    );
    assert_matches(
        "{a:{$type:'int'}}",
        &["+{a:1}", "-{a:1.0}", "-{a:5000000000}"],
    );
    assert_matches("{a:{$type:18}}", &["-{a:1}", "+{a:5000000000}"]);
    assert_matches("{a:{$type:'double'}}", &["-{a:1}", "+{a:1.0}"]);
    assert_matches("{a:{$type:'array'}}", &["+{a:[]}", "+{a:[1]}", "-{a:1}"]);
    assert_matches("{a:{$type:'null'}}", &["+{a:null}", "-{}"]);
    assert_matches(
        "{a:{$type:['object','date','objectId','bool']}}",
        &[
            "+{a:{}}",
            "+{a:new Date(5)}",
            "+{a:false}",
            "+{a:ObjectId('5925a68def86951f895cf497')}",
        ],
    );
    assert_matches("{a:{$type:'decimal'}}", &["-{a:1}"]);
    for query in [
        "{a:{$type:'text'}}",
        "{a:{$type:0}}",
        "{a:{$type:[]}}",
        "{a:{$type:1.5}}",
        "{a:{$type:{}}}",
    ] {
        assert_malformed(query, "$type needs");
    }
    assert_matches(
        "{a:{$mod:[4,1]}}",
        &[
            "+{a:5}",
            "+{a:5.9}",
            "-{a:6}",
            "-{a:-5}",
            "-{a:'5'}",
            "-{}",
            "-{a:NaN}",
            "+{a:[6,9]}",
        ],
    );
    assert_matches("{a:{$mod:[-4.5,-1]}}", &["+{a:-5}"]);
    assert_matches("{a:{$mod:[-1,0]}}", &["+{a:-9223372036854775808}"]);
    for query in [
        "{a:{$mod:[0,1]}}",
        "{a:{$mod:[1]}}",
        "{a:{$mod:[1,2,3]}}",
        "{a:{$mod:1}}",
        "{a:{$mod:['a',1]}}",
    ] {
        assert_malformed(query, "$mod needs");
    }
}

#[test]
fn arrays() {
    assert_matches(
        "{a:{$all:['x','y']}}",
        &["+{a:['y','z','x']}", "-{a:['x']}", "-{a:'x'}", "-{}"],
    );
    assert_matches("{a:{$all:['x']}}", &["+{a:'x'}", "+{a:['x']}"]);
    assert_matches("{a:{$all:[]}}", &["-{a:[]}", "-{}", "-{a:[1]}"]);
    assert_matches(
        "{a:{$all:[/^x/,null]}}",
        &["+{a:['xy',null]}", "-{a:['xy']}"],
    );
    assert_matches(
        "{a:{$all:[[1,2]]}}",
        &["+{a:[1,2]}", "+{a:[[1,2]]}", "-{a:[2,1]}"],
    );
    assert_matches(
        "{a:{$all:[{$elemMatch:{b:1,c:{$gt:1}}},{$elemMatch:{b:2}}]}}",
        &["+{a:[{b:1,c:2},{b:2}]}", "-{a:[{b:1,c:2}]}"],
    );
    assert_malformed("{a:{$all:1}}", "needs a list");
    assert_malformed("{a:{$all:[{$gt:1}]}}", "cannot stand");
    assert_malformed(
        "{a:{$all:[{$elemMatch:{b:1}},2]}}",
        "all of the list must be $elemMatch",
    );
    assert_matches(
        "{a:{$size:0}}",
        &["+{a:[]}", "-{}", "-{a:[1]}", "-{a:null}"],
    );
    assert_matches("{a:{$size:2.0}}", &["+{a:[1,[2]]}", "-{a:[[1,2]]}"]);
    for query in [
        "{a:{$size:-1}}",
        "{a:{$size:1.5}}",
        "{a:{$size:'1'}}",
        "{a:{$size:null}}",
    ] {
        assert_malformed(query, "$size needs");
    }
    assert_matches(
        "{a:{$elemMatch:{$gte:80,$lt:85}}}",
        &["+{a:[82,90]}", "-{a:[75,88]}", "-{a:82}", "-{}", "-{a:[]}"],
    );
    assert_matches(
        "{a:{$elemMatch:{b:1,c:2}}}",
        &["+{a:[{b:1,c:2}]}", "-{a:[{b:1},{c:2}]}", "-{a:{b:1,c:2}}"],
    );
    assert_matches(
        "{a:{$elemMatch:{$or:[{b:1},{c:2}]}}}",
        &["+{a:[{c:2}]}", "-{a:[{b:2}]}"],
    );
    assert_matches(
        "{a:{$elemMatch:{'0':1}}}",
        &["+{a:[[1]]}", "-{a:[[2,1]]}", "-{a:[1]}"],
    );
    assert_matches(
        "{a:{$elemMatch:{$elemMatch:{$gt:1}}}}",
        &["+{a:[[0,2]]}", "-{a:[2]}"],
    );
    assert_matches(
        "{a:{$elemMatch:{}}}",
        &["+{a:[{}]}", "+{a:[[]]}", "-{a:[1]}"],
    );
    assert_matches("{a:{$elemMatch:{$ne:1}}}", &["+{a:[1,2]}", "-{a:[1]}"]);
    assert_matches(
        "{a:{$elemMatch:{$in:['x'],$nin:['y']}}}",
        &["+{a:['x']}", "-{a:['y']}"],
    );
    assert_matches(
        "{'a.b':{$elemMatch:{c:{$exists:false}}}}",
        &["+{a:[{b:[{}]}]}", "-{a:[{b:[{c:1}]}]}"],
    );
    // What is banned at the top may be the name of anything else.
    assert_matches("{a:{$elemMatch:{tenant:1}}}", &["+{a:[{tenant:1}]}"]);
    assert_malformed("{a:{$elemMatch:1}}", "$elemMatch needs");
}
